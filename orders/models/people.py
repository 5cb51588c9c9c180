"""Which staff belong to one tenant; all others are the hub's own."""

from __future__ import annotations

from django.conf import settings
from django.db import models

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
