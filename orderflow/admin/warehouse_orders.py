"""Orders at each warehouse: required and known state, refusals with their reasons, despatches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from orderflow.admin.filters import FailureFilter, in_every_channel
from orderflow.imports.preview import masked_previews
from orderflow.imports.warehouse_lookup import ask
from orderflow.models import Despatch, WarehouseOrder
from orderflow.site.refusals import Explanation, explain
from orderflow.site.reports import Failure
from orders.admin.base import EvidenceAdmin
from orders.admin.masking import TEXT, masker_for
from orders.admin.orders.find import page_of_order
from orders.models import Delivery, Order
from orders.values.labels import ago, link
from orders.values.order_key import OrderKey


@admin.register(WarehouseOrder)
class WarehouseOrderAdmin(EvidenceAdmin):
    tenant_path = "channel__destination__tenant"
    personal = {"failure": TEXT}
    empty_words = "No order was sent to a warehouse yet."
    list_display = ("customer_order_id", "business_unit_id", "channel", "reference", "required", "state", "failing",
                    "given", "correction")  # fmt: skip
    list_filter: ClassVar[Any] = ("channel", "state", FailureFilter)
    search_fields = ("=reference", "=customer_order_id")
    search_help_text = "Reference or customer order id"
    list_select_related = ("channel__destination",)
    exclude = ("owed", "owed_digest", "digest")
    readonly_fields = ("required", "failing", "given", "correction", "order_page")
    actions = ("send_failed_again",)

    def order_keys(self, rows: Sequence[WarehouseOrder]) -> list[OrderKey]:
        return [place.key(place.channel.destination.tenant_id) for place in rows]

    @admin.display(description="required", ordering="owed")
    def required(self, place: WarehouseOrder) -> str:
        return place.get_owed_display() or "-"

    @admin.display(description="failing property")
    def failing(self, place: WarehouseOrder) -> str:
        return _explained(place).property if place.failure else ""

    @admin.display(description="its value")
    def given(self, place: WarehouseOrder) -> str:
        return Truncator(_explained(place).value).chars(80) if place.failure else ""

    @admin.display(description="suggested correction")
    def correction(self, place: WarehouseOrder) -> str:
        return _explained(place).advice if place.failure else ""

    @admin.display(description="order")
    def order_page(self, place: WarehouseOrder) -> SafeString | str:
        return link(page_of_order(place.key(place.channel.destination.tenant_id)), place.customer_order_id)

    @admin.action(description="Send only the failed ones again (preview first)", permissions=["operate"])
    def send_failed_again(self, request: HttpRequest, queryset: QuerySet[WarehouseOrder]) -> HttpResponse:
        """The page of deliveries, which previews a retry and does it."""
        deliveries: Any = self.admin_site._registry[Delivery]
        if not deliveries.has_operate_permission(request):
            raise PermissionDenied
        failed: HttpResponse = deliveries.retry_dead(request, _dead(queryset))
        return failed

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "warehouses/", self.admin_site.admin_view(self.warehouses), name="orderflow_warehouseorder_warehouses"
        )
        return [own, *super().get_urls()]

    def warehouses(self, request: HttpRequest) -> HttpResponse:
        """Preview of one order at every warehouse and, on request, what the warehouses hold of it."""
        key = _key(request)
        order = Order.objects.filter(**key._asdict()).select_related("tenant").first()
        orders = self.admin_site._registry[Order]
        if order is None or not orders.has_view_permission(request, order):
            raise Http404("There is no such order.")
        if not self.has_view_permission(request):
            raise PermissionDenied
        places = self.get_queryset(request).filter(
            channel__destination__tenant=key.tenant_id,
            business_unit_id=key.business_unit_id,
            customer_order_id=key.customer_order_id,
        )
        masker = masker_for(request, key)
        asked = [ask(place) for place in places.select_related("channel__destination")] if request.POST else []
        context = {
            **self.admin_site.each_context(request),
            "title": f"Order {key.customer_order_id} at the warehouses",
            "previews": [(preview, preview.body.decode()) for preview in masked_previews(order, masker)],
            "asked": [masker.text(sentence) for sentence in asked],
            "askable": places.exists(),
            "back": page_of_order(key),
        }
        return TemplateResponse(request, "admin/orderflow/warehouses.html", context)


@admin.register(Despatch)
class DespatchAdmin(EvidenceAdmin):
    """One row per shipment that a warehouse reported."""

    personal = {"tracking_url": TEXT, "state": TEXT, "courier": TEXT}
    tenant_path = "channel__destination__tenant"
    empty_words = "No warehouse reported a parcel yet. Despatches are read where the channel has an interval for it."
    list_display = ("reference", "order_reference", "channel", "courier", "completed")
    list_filter = ("channel",)
    list_select_related = ("channel__destination",)
    search_fields = ("=reference", "=order_reference", "=despatch_reference")
    search_help_text = "Exact shipment, order or despatch reference"
    fields = (
        "channel", "reference", "order_reference", "state", "courier", "despatch_reference", "tracking", "completed",
        "lines",
    )  # fmt: skip
    readonly_fields = ("tracking", "completed")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, twice = super().get_search_results(request, queryset, search_term)
        return (in_every_channel(found) if search_term.strip() else found), twice

    def order_keys(self, rows: Sequence[Despatch]) -> list[OrderKey | None]:
        """By the reference that the hub reserved for the order."""
        places = WarehouseOrder.objects.filter(
            channel__in={row.channel_id for row in rows}, reference__in={row.order_reference for row in rows}
        ).select_related("channel__destination")
        keys = {(one.channel_id, one.reference): one.key(one.channel.destination.tenant_id) for one in places}
        return [keys.get((row.channel_id, row.order_reference)) for row in rows]

    @admin.display(description="completed")
    def completed(self, despatch: Despatch) -> SafeString | str:
        return ago(despatch.completed_at)

    @admin.display(description="tracking")
    def tracking(self, despatch: Despatch) -> SafeString | str:
        return link(despatch.tracking_url, despatch.tracking_url) if despatch.tracking_url else "-"


def _explained(place: WarehouseOrder) -> Explanation:
    return explain(Failure(place.failure))


def _dead(places: QuerySet[WarehouseOrder]) -> QuerySet[Delivery]:
    """The dead deliveries of the rows' own lanes."""
    ids: list[Any] = []
    for place in places.select_related("channel").exclude(failure=""):
        lanes = Delivery.objects.dead().filter(
            destination=place.channel.destination_id,
            lane__business_unit_id=place.business_unit_id,
            lane__customer_order_id=place.customer_order_id,
        )
        ids += lanes.values_list("pk", flat=True)
    return Delivery.objects.filter(pk__in=ids)


def _key(request: HttpRequest) -> OrderKey:
    given = {name: request.GET.get(name, "").replace("\x00", "") for name in ("tenant", "unit", "order")}
    if not given["tenant"].isdecimal() or len(given["tenant"]) > 18:
        raise Http404("There is no such order.")
    return OrderKey(int(given["tenant"]), given["unit"], given["order"])
