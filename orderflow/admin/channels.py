"""OrderFlow channels in the admin: settings can be changed, the password is never shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminPasswordWidget

from orderflow.models import DespatchPoll, OrderFlowChannel
from orderflow.onboarding.admin_changes import change_channel
from orders.admin.base import HistoryAdmin
from orders.admin.confirmation import ConfirmsChanges, confirmed_by
from orders.onboarding.shared_items import shared_with
from orders.outbox.destination_labels import state_in_words
from orders.values.labels import ago


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    password = forms.CharField(
        required=False,
        strip=False,
        max_length=2_000,
        widget=UnfoldAdminPasswordWidget(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text="Empty keeps what is stored. A new password resumes a channel that stopped for the old one.",
    )

    class Meta:
        model = OrderFlowChannel
        fields = "__all__"  # noqa: DJ007 - OrderFlowChannelAdmin names them


@admin.register(OrderFlowChannel)
class OrderFlowChannelAdmin(ConfirmsChanges, HistoryAdmin):
    """The onboarding file sets the site's address and what is sent to it."""

    form = ChannelForm
    tenant_path = "destination__tenant"
    empty_words = "Warehouses are added on the onboarding page of a tenant."
    list_display = ("name", "tenant", "channel", "base_url", "items", "destination_state")
    list_filter = ("destination__tenant",)
    search_fields = ("destination__name", "channel", "base_url", "destination__tenant__slug")
    list_select_related = ("destination__tenant",)
    readonly_fields = (
        "destination", "destination_state", "base_url", "channel", "organisation", "units", "items",
        "order_path", "product_path", "product_header", "product_scope", "fixed_properties",
        "shared_items", "despatches_read",
    )  # fmt: skip
    fieldsets = (
        ("Site", {"fields": ("destination", "destination_state", "base_url", "channel", "organisation")}),
        ("Credentials", {"fields": ("auth_type", "username", "password")}),
        ("Orders", {"fields": (
            "units", "items", "shared_items", "reference", "require_delivery_address", "time_zone",
            "currency_units", "fixed_properties", "on_update", "on_cancel", "batch_size", "order_path",
            "poll_despatches_seconds", "despatches_read", "validated",
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
        return state_in_words(channel.destination)

    @admin.display(description="business units")
    def units(self, channel: OrderFlowChannel) -> str:
        return "all" if channel.business_units is None else ", ".join(channel.business_units)

    @admin.display(description="items")
    def items(self, channel: OrderFlowChannel) -> str:
        return ", ".join(channel.item_patterns) or "none"

    @admin.display(description="fixed order properties")
    def fixed_properties(self, channel: OrderFlowChannel) -> str:
        return ", ".join(f"{name} = {value}" for name, value in channel.properties.items()) or "none"

    @admin.display(description="items shared with others")
    def shared_items(self, channel: OrderFlowChannel) -> str:
        others = shared_with(channel.destination.tenant_id, "warehouse", channel.item_patterns)
        if not others:
            return "None of its items go to anybody else."
        whom = ", ".join(others)
        return f"Some items also go to {whom}; both are notified. If that is wrong, change the item patterns of one."

    @admin.display(description="despatches")
    def despatches_read(self, channel: OrderFlowChannel) -> SafeString | str:
        poll = DespatchPoll.objects.filter(channel=channel).first()
        if channel.poll_despatches_seconds is None:
            return "Not read: the channel has no interval for it."
        if poll is None:
            return "Not read yet."
        if poll.failure:
            return format_html("Not read since {}: {}", ago(poll.answered_at or poll.failing_since), poll.failure)
        return format_html(
            "Last read {}; up to {} of the site.", ago(poll.answered_at), poll.cursor or "the first order"
        )

    def save_model(self, request: HttpRequest, obj: OrderFlowChannel, form: forms.Form, change: bool) -> None:
        """By the onboarding service, which makes new deliveries of products whose documents change."""
        who, agree = request.user.get_username(), confirmed_by(request, obj.destination.tenant)
        change_channel(obj, form.cleaned_data.get("password") or "", who=who, agree=agree)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Channels are added by the onboarding file."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
