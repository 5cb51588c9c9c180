"""Staff logins and roles, in the theme's forms. The OAuth toolkit's pages are not shown: tokens are nobody's read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from oauth2_provider import admin as _  # noqa: F401  # registers the toolkit's pages, which are taken away below
from oauth2_provider import models as toolkit
from unfold.admin import TabularInline
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from orders.access import second_step, sign_ins, staff
from orders.admin.base import EvidenceAdmin, HubAdmin
from orders.models import ApiClient, StaffChange, StaffTenant
from orders.values.labels import ago
from orders.values.time_text import exact

for model in (
    User,
    Group,
    ApiClient,
    toolkit.get_access_token_model(),
    toolkit.get_grant_model(),
    toolkit.get_id_token_model(),
    toolkit.get_refresh_token_model(),
):
    admin.site.unregister(model)


class TenantOfStaff(TabularInline):  # type: ignore[misc]  # unfold has no types
    """Binds a tenant admin to the tenant whose rows alone it sees."""

    model = StaffTenant
    extra = 0
    max_num = 1
    verbose_name = "tenant, for the role tenant-admin"
    verbose_name_plural = "Tenant, for the role tenant-admin"


class _SuperusersOnly:
    """A login that can make logins could make one that may do everything, so the permission is not enough."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser and bool(super().has_view_permission(request, obj))  # type: ignore[misc]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser and bool(super().has_add_permission(request))  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser and bool(super().has_change_permission(request, obj))  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser and bool(super().has_delete_permission(request, obj))  # type: ignore[misc]


@admin.register(User)
class StaffAdmin(_SuperusersOnly, UserAdmin, HubAdmin):  # type: ignore[misc,type-arg]  # both are admins of the same model
    """What is changed here goes on record (orders.access.staff) and signs the login out where it changes its role."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    filter_horizontal = ()  # the two boxes of that widget cannot be read by everybody
    list_display = ("username", "role", "email", "is_active", "signed_in")
    inlines = (TenantOfStaff,)
    readonly_fields = ("last_login", "date_joined", "signing_in")
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Signing in", {"fields": ("signing_in",)}))
    actions_detail = ("unlock", "reset_second_step")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.prefetch_related("groups").select_related("staff_tenant__tenant")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Three roles are ticked; single permissions, which hardly anybody gives, are chosen from a list."""
        if db_field.name == "groups":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description="role")
    def role(self, user: User) -> str:
        roles = [group.name for group in user.groups.all()]
        bound = getattr(user, "staff_tenant", None)
        words = ["superuser"] * user.is_superuser + roles + ([f"of {bound.tenant.name}"] if bound else [])
        return " ".join(words) or "none: sees nothing"

    @admin.display(description="last signed in", ordering="last_login")
    def signed_in(self, user: User) -> Any:
        return ago(user.last_login)

    @admin.display(description="now")
    def signing_in(self, user: User) -> str:
        until = sign_ins.locked_until(user.username)
        waits = f"Locked until {exact(until)} after too many wrong tries. " if until else ""
        left = second_step.codes_left(user)
        return waits + (
            f"Second step on, {left} recovery codes left." if second_step.is_on(user) else "No second step."
        )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        form.before = staff.describe(User.objects.get(pk=obj.pk)) if change else ""
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        user = User.objects.get(pk=form.instance.pk)
        staff.note_changes(user, before=form.before, new_password=False, who=request.user.get_username())

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            staff.record(User.objects.get(pk=id).username, "password set", who=request.user.get_username())
        return response

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        staff.record(obj.username, "deleted", who=request.user.get_username(), detail=staff.describe(obj))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            self.delete_model(request, user)

    @action(description="Allow new tries", url_path="unlock", permissions=["change"], icon="lock_open")  # type: ignore[untyped-decorator]
    def unlock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        effect = (
            "The counted wrong tries are deleted, so that this login may try to sign in again at once, from anywhere."
        )
        return self._confirmed(request, object_id, staff.unlock, "Allow {} to try again", effect)

    @action(
        description="Reset second step", url_path="reset-second-step", permissions=["change"], icon="phonelink_erase"
    )  # type: ignore[untyped-decorator]
    def reset_second_step(self, request: HttpRequest, object_id: str) -> HttpResponse:
        effect = (
            "The authenticator app and the recovery codes of this login are removed, and it is signed out everywhere. "
            "Its password alone signs it in until it sets up a second step again. First make sure who asks for this."
        )
        return self._confirmed(request, object_id, staff.reset_second_step, "Reset the second step of {}", effect)

    def _confirmed(
        self, request: HttpRequest, object_id: str, do: Callable[..., Any], title: str, effect: str
    ) -> HttpResponse:
        """Says what it does; does it on POST."""
        user = self.get_object(request, object_id)
        if user is None or not self.has_change_permission(request, user):
            raise PermissionDenied
        back = reverse("admin:auth_user_change", args=(user.pk,))
        if request.method == "POST":
            do(user, who=request.user.get_username())
            self.message_user(request, f"Done and recorded: {title.format(user)}.", messages.SUCCESS)
            return HttpResponseRedirect(back)
        title = title.format(user)
        page = {
            **self.admin_site.each_context(request),
            "title": title,
            "button": title,
            "effect": effect,
            "back": back,
        }
        return TemplateResponse(request, "admin/orders/confirm.html", page)


@admin.register(Group)
class RoleAdmin(_SuperusersOnly, GroupAdmin, HubAdmin):  # type: ignore[misc]
    """The three roles are what ``orders.access.staff`` says and come back so with every migration; others are free."""

    filter_horizontal = ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_free(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_free(obj) and super().has_delete_permission(request, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        granted = ", ".join(sorted(form.instance.permissions.values_list("codename", flat=True))) or "nothing"
        who = request.user.get_username()
        staff.record(f"role {form.instance.name}"[:150], "permissions set", who=who, detail=granted)


def _is_free(role: Group | None) -> bool:
    return role is None or role.name not in staff.GROUPS


@admin.register(StaffChange)
class StaffChangeAdmin(_SuperusersOnly, EvidenceAdmin):
    """Who made, changed, let in and switched off whom."""

    list_display = ("when", "who", "what", "login", "detail")
    list_filter = ("what",)
    search_fields = ("=login", "=who")
    search_help_text = "Exact name of a login: who did something, or to whom"
    fields = ("at", "who", "what", "login", "detail")

    @admin.display(description="when")
    def when(self, change: StaffChange) -> Any:
        return ago(change.at)
