"""The hub's staff: which of them belong to one tenant, how they sign in, and what was changed about their logins."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from orders.models.tenants import Tenant


class StaffTenant(models.Model):
    """Binds a login to one tenant: it sees that tenant's rows only (orders.admin.base)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_tenant")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="staff")

    class Meta:
        verbose_name = "tenant of a login"
        verbose_name_plural = "tenants of logins"

    def __str__(self) -> str:
        return f"{self.user} of {self.tenant}"


class SecondStep(models.Model):
    """A login's authenticator app and its recovery codes (orders.access.second_step). Not on until it is confirmed."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_step")
    key_id = models.CharField(max_length=32)
    sealed = models.BinaryField()
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)
    """The newest time step whose code was taken: none is taken twice."""
    recovery_codes = models.JSONField(default=list)
    """Hashes of those that are left."""

    def __str__(self) -> str:
        return f"second step of {self.user}"


class SignInTries(models.Model):
    """How often one login was tried in vain from one address lately (orders.access.sign_ins)."""

    login = models.CharField(max_length=64)
    """A digest: what is typed there may be a password."""
    address = models.CharField(max_length=45)
    failures = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(db_default=Now())
    locked_until = models.DateTimeField(null=True)
    signed_in_at = models.DateTimeField(null=True)
    """When this login last came in from this address."""
    used_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["login", "address"], name="sign_in_tries_unique_per_login_and_address"),
        )
        indexes = (models.Index(fields=["used_at"], name="sign_in_tries_by_use"),)

    def __str__(self) -> str:
        return f"{self.failures} from {self.address}"


class StaffChange(models.Model):
    """What was changed about a login: who, when, whose, what. Outlives the login."""

    at = models.DateTimeField(db_default=Now())
    who = models.CharField(max_length=255)
    login = models.CharField(max_length=150)
    what = models.CharField(max_length=40)
    detail = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "change of a login"
        verbose_name_plural = "changes of logins"
        indexes = (models.Index(fields=["login", "at"], name="staff_change_by_login"),)

    def __str__(self) -> str:
        return f"{self.what}: {self.login}"
