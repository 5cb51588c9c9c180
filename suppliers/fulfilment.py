"""The suppliers' part of a fulfilment, and the stock they reported (docs/reference/api.md#fulfilment-and-stock)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from orders.documents import load
from orders.models import Order, Tenant
from orders.values.instants import instant
from orders.values.order_key import OrderKey
from suppliers.models import PartDelivery, StockLevel, Supplier, SupplierPart
from suppliers.order_data.parts import EXACT, Claim, Item, split
from suppliers.reports.lines import contents, line_states


def parts(key: OrderKey) -> list[dict[str, Any]]:
    """One entry per supplier with lines of the order or with a token for it, in the order of the onboarding file."""
    suppliers = list(Supplier.objects.filter(tenant=key.tenant_id).order_by("position", "pk"))
    shares = _shares(key, suppliers)
    known = {part.supplier_id: part for part in SupplierPart.objects.filter(**key._asdict())}
    parcels = _parcels(list(known.values()))
    return [
        _entry(supplier, shares.get(supplier.pk, ()), known.get(supplier.pk), parcels)
        for supplier in suppliers
        if supplier.pk in shares or supplier.pk in known
    ]


def stock(tenant: Tenant, item_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The newest that suppliers said of these items, in the order asked for."""
    levels: QuerySet[StockLevel] = StockLevel.objects.filter(item_id__in=item_ids, supplier__tenant=tenant)
    places = {item_id: place for place, item_id in enumerate(dict.fromkeys(item_ids))}
    rows = levels.select_related("supplier")
    ordered = sorted(rows, key=lambda row: (places[row.item_id], row.supplier.position, row.supplier_id))
    return [
        {
            "itemId": level.item_id,
            "supplierId": level.supplier.slug,
            "available": Decimal(level.available),
            "expectedDate": level.expected_date,
            "reportedAt": instant(level.happened_at),
        }
        for level in ordered
    ]


def _shares(key: OrderKey, suppliers: Sequence[Supplier]) -> dict[int | None, list[Item]]:
    document = Order.objects.filter(**key._asdict()).values_list("document", flat=True).first()
    claims = [Claim(supplier.pk, supplier.item_patterns) for supplier in suppliers]
    return {} if document is None else dict(split(load(document)["items"], claims))


def _parcels(known: Sequence[SupplierPart]) -> dict[int, list[PartDelivery]]:
    found: dict[int, list[PartDelivery]] = defaultdict(list)
    for parcel in PartDelivery.objects.filter(part__in=known).order_by("pk"):
        found[parcel.part_id].append(parcel)
    return found


def _entry(
    supplier: Supplier, items: Sequence[Item], part: SupplierPart | None, parcels: Mapping[int, list[PartDelivery]]
) -> dict[str, Any]:
    """A fetch proves that the supplier knows of the order, however it learned of it."""
    fetched = part is not None and part.fetched_at is not None
    found = parcels.get(part.pk, []) if part is not None else []
    ordered = _ordered(items)
    return {
        "supplierId": supplier.slug,
        "items": list(dict.fromkeys(item["itemId"] for item in items)),
        "told": fetched or (part is not None and part.told_at is not None),
        "fetched": fetched,
        "status": part.status or None if part is not None else None,
        "lines": line_states(part.lines if part is not None else "", [one.items for one in found], ordered),
        "deliveries": [_parcel(one, ordered) for one in found],
    }


def _ordered(items: Sequence[Item]) -> dict[str, Decimal]:
    """Two lines of one item are one line to a supplier, who names it by its id."""
    found: dict[str, Decimal] = {}
    for item in items:
        known = found.get(item["itemId"], Decimal(0))
        found[item["itemId"]] = EXACT.add(known, Decimal(item["quantityOrdered"]))
    return found


def _parcel(parcel: PartDelivery, ordered: Mapping[str, Decimal]) -> dict[str, Any]:
    return {
        "deliveryId": parcel.delivery_id or None,
        "status": parcel.status,
        "carrier": parcel.carrier,
        "trackingNumber": parcel.tracking_number or None,
        "trackingUrl": parcel.tracking_url,
        "expectedDate": parcel.expected_date,
        "items": contents(parcel.items, ordered),
    }
