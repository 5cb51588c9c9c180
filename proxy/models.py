"""How a tenant's external service is authorized against, and where its answers left the contract."""

from __future__ import annotations

from typing import Any

from django.db import models

from orders.models import Tenant
from orders.models.settings_history import SettingsHistory


class ProxyConfig(models.Model):
    """The authentication towards a tenant's external service; its secret lies sealed in ``Secret``."""

    class Type(models.TextChoices):
        BASIC = "basic"
        OAUTH2 = "oauth2", "OAuth2"

    class SetBy(models.TextChoices):
        OPS = "ops", "ops staff"
        TENANT = "tenant"

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="proxy_config")
    type = models.CharField(max_length=10, choices=Type.choices)
    public = models.JSONField("settings", default=dict)
    """The members of ``config`` that are no secret: ``username``, or ``clientId`` and ``authUrl``."""
    set_by = models.CharField(max_length=10, choices=SetBy.choices)
    """Whose word the ``authUrl`` is: a tenant's reaches the inside only at the tenant's own external host."""
    changed_at = models.DateTimeField(auto_now=True)
    history = SettingsHistory()
    _change_reason = ""

    class Meta:
        verbose_name = "proxy configuration"
        constraints = (
            models.CheckConstraint(name="proxy_config_type_is_known", condition=models.Q(type__in=["basic", "oauth2"])),
            models.CheckConstraint(
                name="proxy_config_was_set_by_ops_or_tenant", condition=models.Q(set_by__in=["ops", "tenant"])
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_type_display()} towards the external service of {self.tenant}"

    @property
    def secret_member(self) -> str:
        """The member of ``config`` that is the secret."""
        return "password" if self.type == self.Type.BASIC else "clientSecret"

    def shown(self, secret: str) -> dict[str, Any]:
        """The body of ``proxy-config`` (docs/reference/api.md#proxy-configuration), with what stands for the secret."""
        return {"type": self.type, "config": {**self.public, self.secret_member: secret}}


class ContractDrift(models.Model):
    """One way in which a tenant's external service leaves the contract: where, what is expected, what was found."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="contract_drift")
    pointer = models.CharField(max_length=300)
    """JSON pointer into the answer; the place in a list is ``*``."""
    expected = models.CharField(max_length=300)
    found = models.CharField(max_length=100)
    """A type, never a value."""
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "contract drift"
        verbose_name_plural = "contract drift"
        ordering = ("pointer", "expected", "found")
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "pointer", "expected", "found"], name="contract_drift_is_counted_in_one_row"
            ),
        )

    def __str__(self) -> str:
        return f"{self.pointer or 'the answer'}: expected {self.expected}, found {self.found}"
