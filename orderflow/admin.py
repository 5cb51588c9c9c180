"""OrderFlow in the admin: settings can be changed, evidence is read-only, the password is never shown."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from orderflow.credentials import store_password
from orderflow.models import OrderFlowChannel, Product, WarehouseOrder
from orders import health
from orders.admin.base import EvidenceAdmin, HistoryAdmin
from orders.models import Destination


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    password = forms.CharField(
        required=False,
        strip=False,
        max_length=2_000,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text="Empty keeps what is stored. A new password resumes a channel that stopped for the old one.",
    )

    class Meta:
        model = OrderFlowChannel
        fields = "__all__"  # noqa: DJ007 - OrderFlowChannelAdmin names them


@admin.register(OrderFlowChannel)
class OrderFlowChannelAdmin(HistoryAdmin):
    """Where the site is and what goes to it is said by the onboarding file."""

    form = ChannelForm
    tenant_path = "destination__tenant"
    list_display = ("name", "tenant", "channel", "base_url", "item_patterns", "destination_state")
    list_filter = ("destination__tenant",)
    search_fields = ("destination__name", "channel", "base_url", "destination__tenant__slug")
    list_select_related = ("destination__tenant",)
    readonly_fields = (
        "destination", "destination_state", "base_url", "channel", "organisation", "business_units", "item_patterns",
        "order_path", "product_path", "product_header", "product_scope", "properties",
    )  # fmt: skip
    fieldsets = (
        ("Site", {"fields": ("destination", "destination_state", "base_url", "channel", "organisation")}),
        ("Credentials", {"fields": ("auth_type", "username", "password")}),
        ("Orders", {"fields": (
            "business_units", "item_patterns", "reference", "require_delivery_address", "time_zone", "currency_units",
            "properties", "on_update", "on_cancel", "batch_size", "order_path", "poll_despatches_seconds",
        )}),
        ("Products", {"fields": ("import_missing_products", "product_path", "product_header", "product_scope")}),
    )  # fmt: skip

    @admin.display(description="tenant")
    def tenant(self, channel: OrderFlowChannel) -> str:
        return channel.destination.tenant.name

    @admin.display(description="name")
    def name(self, channel: OrderFlowChannel) -> str:
        return channel.destination.name

    @admin.display(description="state")
    def destination_state(self, channel: OrderFlowChannel) -> str:
        destination = channel.destination
        return f"{destination.state}: {destination.state_reason}" if destination.state_reason else destination.state

    def save_model(self, request: HttpRequest, obj: OrderFlowChannel, form: forms.Form, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if password := form.cleaned_data.get("password"):
            store_password(obj, password)
            if obj.destination.state == Destination.State.STOPPED:
                health.resume(obj.destination, who=request.user.get_username(), reason="a new password was entered")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Channels are added by the onboarding file."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class FailureFilter(admin.SimpleListFilter):
    title = "refused"
    parameter_name = "refused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "refused by the warehouse, or not sendable")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.exclude(failure="") if self.value() == "yes" else queryset


@admin.register(Product)
class ProductAdmin(EvidenceAdmin):
    """The catalogue as the onboarding file said it, and what the warehouse took of it."""

    tenant_path = "channel__destination__tenant"
    list_display = ("sku", "channel", "taken", "failure", "updated_at")
    list_filter = ("channel", FailureFilter)
    search_fields = ("=sku",)
    list_select_related = ("channel__destination",)
    fields = ("channel", "sku", "properties", "taken", "failure", "updated_at")
    readonly_fields = fields

    @admin.display(description="at the warehouse", boolean=True)
    def taken(self, product: Product) -> bool:
        return bool(product.held_digest) and product.held_digest == product.owed_digest


@admin.register(WarehouseOrder)
class WarehouseOrderAdmin(EvidenceAdmin):
    """What each warehouse is owed and known to hold, order by order."""

    tenant_path = "channel__destination__tenant"
    list_display = ("customer_order_id", "business_unit_id", "channel", "reference", "owed", "state", "failure")
    list_filter: ClassVar[Any] = ("channel", "state", FailureFilter)
    search_fields = ("=reference", "=customer_order_id")
    search_help_text = "Reference or customer order id"
    list_select_related = ("channel__destination",)
    exclude = ("owed_digest", "digest")
