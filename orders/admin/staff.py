"""Staff logins and roles, in the theme's forms. The OAuth toolkit's pages are not shown: tokens are nobody's read."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from oauth2_provider import models as toolkit
from unfold.admin import TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from orders.admin.base import HubAdmin
from orders.models import ApiClient, StaffTenant

for model in (
    User,
    Group,
    ApiClient,
    toolkit.get_access_token_model(),
    toolkit.get_grant_model(),
    toolkit.get_id_token_model(),
    toolkit.get_refresh_token_model(),
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class TenantOfStaff(TabularInline):  # type: ignore[misc]  # unfold has no types
    """Binds a tenant admin to the tenant whose rows alone it sees."""

    model = StaffTenant
    extra = 0
    max_num = 1
    verbose_name = "tenant, for the role tenant-admin"
    verbose_name_plural = "Tenant, for the role tenant-admin"


@admin.register(User)
class StaffAdmin(UserAdmin, HubAdmin):  # type: ignore[misc,type-arg]  # both are admins of the same model
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_superuser", "last_login")
    inlines = (TenantOfStaff,)


@admin.register(Group)
class RoleAdmin(GroupAdmin, HubAdmin):  # type: ignore[misc]
    pass
