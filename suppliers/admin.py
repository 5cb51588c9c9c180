"""Suppliers in the admin: settings can be changed, evidence is read-only, secrets are never shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import action

from orders.admin.base import EvidenceAdmin, HistoryAdmin
from orders.admin.confirmation import ConfirmsChanges, confirmed_by
from orders.admin.fields import LinesField, checked
from orders.admin.masking import FOREIGN, TEXT, MaskedInline
from orders.integrations.self_test import Step
from orders.onboarding.fields import Pattern
from orders.outbox.destination_labels import state_in_words
from orders.values.labels import ago, preformatted
from orders.values.order_key import OrderKey
from suppliers.attention import late_parts, rejecting_parts
from suppliers.models import Notice, OrderCase, PartDelivery, StockLevel, Supplier, SupplierEvent, SupplierPart, Webhook
from suppliers.onboarding.admin_changes import change_supplier
from suppliers.reports.lines import stored_words
from suppliers.webhooks import test_events, webhook_secrets


class PartDeliveryInline(MaskedInline):
    model = PartDelivery
    extra = 0
    can_delete = False
    fields = (
        "status", "contents", "carrier", "delivery_id", "tracking_number", "tracking_url", "expected_date",
        "happened_at",
    )  # fmt: skip
    personal = dict.fromkeys({*fields, "items"} - {"contents", "happened_at"}, TEXT)
    readonly_fields = fields

    @admin.display(description="items")
    def contents(self, parcel: PartDelivery) -> str:
        try:
            named = [f"{one['quantity'] or 'all'} of {one['itemId']}" for one in json.loads(parcel.items or "[]")]
        except (ValueError, TypeError, KeyError):
            return parcel.items
        return ", ".join(named) or "all lines"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SupplierForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when run
    item_patterns = LinesField(
        annotation=list[str],
        required=False,
        label="Its items",
        help_text="One pattern per line: BEAN-* is every item that begins with BEAN-. * and ? stand for others.",
    )

    def clean_item_patterns(self) -> list[str]:
        patterns: list[str] = self.cleaned_data["item_patterns"] or []
        if any('"' in pattern for pattern in patterns):
            raise forms.ValidationError("Write one pattern per line, without brackets and quotation marks.")
        return checked(list[Pattern], patterns)  # type: ignore[no-any-return]


@admin.register(Supplier)
class SupplierAdmin(ConfirmsChanges, HistoryAdmin):
    """A line belongs to the first supplier, by position, with a matching pattern."""

    form = SupplierForm

    empty_words = "Suppliers are added on the onboarding page of a tenant."
    list_display = ("name", "slug", "tenant", "position", "its_items", "notified_at", "active")
    list_filter = ("tenant", "active")
    search_fields = ("slug", "name", "tenant__slug")
    list_select_related = ("tenant", "webhook")
    fields = ("tenant", "slug", "name", "position", "item_patterns", "api_client", "active")
    readonly_fields = ("tenant", "slug", "api_client")

    def save_model(self, request: HttpRequest, obj: Supplier, form: forms.Form, change: bool) -> None:
        """By the onboarding service, so that its client and its webhook are switched with it."""
        change_supplier(obj, who=request.user.get_username(), agree=confirmed_by(request, obj.tenant))

    @admin.display(description="its items")
    def its_items(self, supplier: Supplier) -> str:
        return ", ".join(supplier.item_patterns) or "none"

    @admin.display(description="notified at")
    def notified_at(self, supplier: Supplier) -> str:
        webhook = getattr(supplier, "webhook", None)
        return "polls (no webhook)" if webhook is None else webhook.url

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Suppliers are added by the onboarding file, which also makes their client and secrets."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Webhook)
class WebhookAdmin(HistoryAdmin, EvidenceAdmin):
    """Changed by the onboarding file, which also holds the secrets; here it is tested, and its secret rotated."""

    tenant_path = "supplier__tenant"
    list_display = ("supplier", "url", "events_sent", "authentication", "destination_state")
    list_filter = ("supplier__tenant",)
    search_fields = ("url", "supplier__slug", "supplier__name")
    list_select_related = ("supplier", "destination__tenant")
    fields = (
        "supplier",
        "url",
        "events_sent",
        "authentication",
        "signs_in_as",
        "previous_secret_until",
        "destination_state",
    )
    readonly_fields = fields
    actions_detail = ("send_test_event", "verify_endpoint", "rotate_secret")

    @admin.display(description="events")
    def events_sent(self, webhook: Webhook) -> str:
        return ", ".join(event.replace("_", " ") for event in webhook.events)

    @admin.display(description="authentication")
    def authentication(self, webhook: Webhook) -> str:
        login = "" if webhook.auth_type == "none" else f" and {webhook.get_auth_type_display()}"
        return f"the signature{login}"

    @admin.display(description="signs in as")
    def signs_in_as(self, webhook: Webhook) -> str:
        return ", ".join(f"{name}: {value}" for name, value in webhook.auth_config.items()) or "-"

    @admin.display(description="state")
    def destination_state(self, webhook: Webhook) -> str:
        return state_in_words(webhook.destination)

    @action(description="Send test event", url_path="test", permissions=["operate"], icon="send")  # type: ignore[untyped-decorator]
    def send_test_event(self, request: HttpRequest, object_id: str) -> HttpResponse:
        effect = "A signed order_created event without an order is sent there now: its case is TEST, its token invalid."
        return self._test(request, object_id, test_events.send_test_event, title="Send a test event to", effect=effect)

    @action(description="Verify endpoint", url_path="verify", permissions=["operate"], icon="verified")  # type: ignore[untyped-decorator]
    def verify_endpoint(self, request: HttpRequest, object_id: str) -> HttpResponse:
        effect = (
            "A signed test event is sent there now, which must be accepted, then one with a wrong signature, which "
            "must be refused."
        )
        return self._test(request, object_id, test_events.verify, title="Verify the endpoint of", effect=effect)

    @action(description="Rotate signing secret", url_path="rotate", permissions=["operate"], icon="key")  # type: ignore[untyped-decorator]
    def rotate_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        webhook = self._webhook(request, object_id)
        hours = round(webhook_secrets.OVERLAP.total_seconds() / 3600)
        effect = (
            f"A new signing secret is made and shown once. The present one signs beside it for {hours} hours, so that "
            "the supplier can change over without refusing an event; an older one stops working at once."
        )
        if request.method != "POST":
            return self._ask(request, webhook, f"Rotate the signing secret of {webhook.supplier}", effect)
        secret = test_events.rotate_signing_secret(webhook, who=request.user.get_username())
        advice = f"Give it to the supplier through a secure channel. For {hours} hours the old one signs too."
        shown = {"secret": secret, "advice": advice, "back": self._page(webhook)}
        context = {**self.admin_site.each_context(request), "title": f"Signing secret of {webhook.supplier}", **shown}
        response = TemplateResponse(request, "admin/orders/signing_secret_once.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _test(
        self,
        request: HttpRequest,
        object_id: str,
        trial: Callable[..., list[Step]],
        *,
        title: str,
        effect: str,
    ) -> HttpResponse:
        webhook = self._webhook(request, object_id)
        if request.method != "POST":
            return self._ask(request, webhook, f"{title} {webhook.supplier}", effect)
        steps = trial(webhook, who=request.user.get_username())
        lead = "The test passed." if all(step.ok for step in steps) else "The test failed; see the answers below."
        shown = {"title": f"{title} {webhook.supplier}", "steps": steps, "lead": lead, "back": self._page(webhook)}
        context = {**self.admin_site.each_context(request), **shown}
        return TemplateResponse(request, "admin/orders/test_result.html", context)

    def _ask(self, request: HttpRequest, webhook: Webhook, title: str, effect: str) -> HttpResponse:
        shown = {"title": title, "effect": effect, "button": title, "back": self._page(webhook)}
        context = {**self.admin_site.each_context(request), **shown}
        return TemplateResponse(request, "admin/orders/confirm.html", context)

    def _webhook(self, request: HttpRequest, object_id: str) -> Webhook:
        webhook = self.get_object(request, object_id)
        if not isinstance(webhook, Webhook) or not self.has_operate_permission(request, webhook):
            raise PermissionDenied
        return webhook

    def _page(self, webhook: Webhook) -> str:
        return reverse("admin:suppliers_webhook_change", args=(webhook.pk,))


class FetchFilter(admin.SimpleListFilter):
    """Notified but not fetched, or with rejected lines."""

    title = "supplier's answer"
    parameter_name = "fetch"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("waiting", "notified, not fetched"),
            ("late", "notified, not fetched for too long"),
            ("rejected", "with lines that the supplier rejected"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "late":
            return queryset.filter(pk__in=late_parts().values("pk"))
        if self.value() == "rejected":
            return queryset.filter(pk__in=rejecting_parts().values("pk"))
        return queryset.filter(unfetched_since__isnull=False) if self.value() == "waiting" else queryset


@admin.register(SupplierPart)
class SupplierPartAdmin(EvidenceAdmin):
    personal = {"status": TEXT, "status_comment": TEXT, "lines": TEXT}
    list_display = ("token", "supplier", "customer_order_id", "business_unit_id", "notified_at", "fetched_at", "status")
    list_filter = ("tenant", FetchFilter)
    search_fields = ("=order_token", "=customer_order_id")
    search_help_text = "Order token or customer order id"
    list_select_related = ("supplier",)
    exclude = ("owed_digest", "owed_sequence", "told_at", "lines", "lines_at", "rejected_sequence")
    readonly_fields = ("notified_at", "required_sequence", "lines_reported")
    inlines = (PartDeliveryInline,)

    @admin.display(description="notified at", ordering="told_at")
    def notified_at(self, part: SupplierPart) -> SafeString | str:
        return ago(part.told_at)

    @admin.display(description="what was reported of its lines")
    def lines_reported(self, part: SupplierPart) -> str:
        try:
            return stored_words(part.lines) or "-"
        except (ValueError, TypeError, KeyError, AttributeError):
            return part.lines

    @admin.display(description="sequence of the last required event")
    def required_sequence(self, part: SupplierPart) -> int | str:
        return "-" if part.owed_sequence == SupplierPart.NEVER_OWED else part.owed_sequence

    def order_keys(self, rows: Sequence[SupplierPart]) -> list[OrderKey]:
        return [part.key for part in rows]


@admin.register(Notice)
class NoticeAdmin(EvidenceAdmin):
    """Events to suppliers, in the bytes that are sent."""

    personal = {"body": FOREIGN}
    tenant_path = "supplier__tenant"
    list_display = ("event_type", "supplier", "part", "sequence", "made_at")
    exclude = ("body", "position")
    readonly_fields = ("sent_body",)
    list_filter = ("supplier__tenant", "event_type")
    search_fields = ("=part__order_token", "=part__customer_order_id")
    list_select_related = ("supplier", "part")

    @admin.display(description="body")
    def sent_body(self, notice: Notice) -> SafeString:
        return preformatted(notice.body)

    def order_keys(self, rows: Sequence[Notice]) -> list[OrderKey]:
        return [notice.part.key for notice in rows]


@admin.register(SupplierEvent)
class SupplierEventAdmin(EvidenceAdmin):
    """Reports of suppliers, as received."""

    personal = {"body": FOREIGN, "ignored": TEXT}
    tenant_path = "supplier__tenant"
    empty_words = "Nothing was reported yet. Suppliers report statuses, deliveries and stock to /api/events."
    list_display = ("event_type", "supplier", "part", "timestamp", "received_at")
    list_filter = ("supplier__tenant", "event_type")
    search_fields = ("=id", "=part__order_token", "=part__customer_order_id", "=correlation_id")
    list_select_related = ("supplier", "part")

    exclude = ("body",)
    readonly_fields = ("reported",)

    @admin.display(description="as reported")
    def reported(self, event: SupplierEvent) -> SafeString:
        return preformatted(event.body)

    def order_keys(self, rows: Sequence[SupplierEvent]) -> list[OrderKey | None]:
        return [event.part.key if event.part else None for event in rows]


@admin.register(StockLevel)
class StockLevelAdmin(EvidenceAdmin):
    tenant_path = "supplier__tenant"
    empty_words = "No supplier reported its stock yet."
    list_display = ("item_id", "supplier", "available", "expected_date", "happened_at")
    list_filter = ("supplier__tenant",)
    search_fields = ("=item_id", "supplier__slug")
    list_select_related = ("supplier",)


@admin.register(OrderCase)
class OrderCaseAdmin(EvidenceAdmin):
    """Cases made for orders that came without one."""

    list_filter = ("tenant",)
    list_display = ("customer_order_id", "business_unit_id", "tenant", "uuid", "token")
    search_fields = ("=customer_order_id", "=uuid", "=token")
    list_select_related = ("tenant",)
