"""Taking in what suppliers publish: kept once, and the newest of each thing is the state.

"Newest" is by the event's own timestamp; of equal ones the later reception wins. An older one is kept and shown on the
timeline, and changes nothing (docs/reference/supplier-events.md#reports).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from orders.documents import render
from orders.telemetry import timeline_entries
from suppliers.models import PartDelivery, StockLevel, Supplier, SupplierEvent, SupplierPart
from suppliers.order_data.fetches import part_of
from suppliers.order_data.parts import value_digest
from suppliers.reports import lines
from suppliers.reports.messages import (
    DeliveryUpdated,
    OrderStatusUpdated,
    Received,
    StockItem,
    StockUpdated,
    parse_report,
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The id an event is known by, and whether it had come before."""

    id: UUID
    duplicate: bool


def receive_report(supplier: Supplier, body: Any, *, header_type: str, correlation_id: str) -> Receipt:
    """Check, keep and apply one published event. Raises InvalidBody or UnknownOrder."""
    received = parse_report(body, header_type=header_type)
    token = getattr(received.report, "order_token", None)
    part = None if token is None or supplier.api_client is None else part_of(supplier.api_client, token)
    with transaction.atomic():
        event, created = SupplierEvent.objects.get_or_create(
            supplier=supplier,
            digest=value_digest(body),
            defaults=_columns(received, body, part=part, correlation_id=correlation_id),
        )
        if created:
            _apply(event, received, part)
    return Receipt(event.pk, duplicate=not created)


def _columns(
    received: Received, body: Mapping[str, Any], *, part: SupplierPart | None, correlation_id: str
) -> dict[str, Any]:
    report = received.report
    return {
        "part": part,
        "event_type": report.event_type,
        "body": render(body).decode(),
        "timestamp": report.timestamp,
        "happened_at": report.happened_at,
        "ignored": list(received.ignored),
        "correlation_id": correlation_id,
    }


def _apply(event: SupplierEvent, received: Received, named: SupplierPart | None) -> None:
    report = received.report
    if isinstance(report, StockUpdated):
        _apply_stock(event, {item.item_id: item for item in report.items})
    elif named is not None:
        part = SupplierPart.objects.select_for_update(of=("self",)).select_related("supplier").get(pk=named.pk)
        _apply_to_part(event, report, part)


def _apply_to_part(event: SupplierEvent, report: OrderStatusUpdated | DeliveryUpdated, part: SupplierPart) -> None:
    if isinstance(report, OrderStatusUpdated):
        newest, said = _apply_status(part, event, report), f"order status {report.status}"
        event_words = lines.in_words(report.items or ())
    else:
        newest, said = _apply_delivery(part, event, report), f"delivery {report.status}"
        event_words = lines.parcel_words(report.items)
    _tell_timeline(part, event, said=said, words=event_words, newest=newest)


def _apply_status(part: SupplierPart, event: SupplierEvent, report: OrderStatusUpdated) -> bool:
    _apply_lines(part, event, report)
    if part.status_at is not None and event.happened_at < part.status_at:
        return False
    part.status, part.status_comment, part.status_at = report.status, report.comment, event.happened_at
    part.save(update_fields=["status", "status_comment", "status_at"])
    return True


def _apply_lines(part: SupplierPart, event: SupplierEvent, report: OrderStatusUpdated) -> None:
    """A report without ``items`` says nothing of single lines."""
    if report.items is None or (part.lines_at is not None and event.happened_at < part.lines_at):
        return
    refused = bool(lines.rejected(report.items))
    part.lines = lines.with_report(part.lines, report.items, timestamp=event.timestamp)
    part.lines_at = event.happened_at
    part.rejected_at = timezone.now() if refused else None
    part.rejected_sequence = part.owed_sequence if refused else None
    part.save(update_fields=["lines", "lines_at", "rejected_at", "rejected_sequence"])


def _apply_delivery(part: SupplierPart, event: SupplierEvent, report: DeliveryUpdated) -> bool:
    """One row per parcel; under the part's row lock. What is in it stays where a later report does not say."""
    parcel = _parcel_of(part, report)
    if parcel.pk is not None and event.happened_at < parcel.happened_at:
        return False
    said: dict[str, Any] = {
        "delivery_id": report.delivery_id or parcel.delivery_id,
        "tracking_number": report.tracking_number or parcel.tracking_number,
        "status": report.status,
        "carrier": report.carrier,
        "tracking_url": report.tracking_url,
        "expected_date": report.expected_date,
        "happened_at": event.happened_at,
    }
    if report.items is not None:
        said |= {"item_ids": [item.item_id for item in report.items], "items": lines.parcel_text(report.items)}
    PartDelivery.objects.update_or_create(part=part, pk=parcel.pk, defaults=said)
    return True


def _parcel_of(part: SupplierPart, report: DeliveryUpdated) -> PartDelivery:
    """The known parcel that a report is of, or a new one. A report without an id and a number is of the one without."""
    known = PartDelivery.objects.filter(part=part).order_by("pk")
    own, number = report.delivery_id or "", report.tracking_number or ""
    same_number = known.filter(tracking_number=number)
    if own:
        unnamed = same_number.filter(delivery_id="").first() if number else None
        found = known.filter(delivery_id=own).first() or unnamed
    elif number:
        found = same_number.last()
    else:
        found = same_number.filter(delivery_id="").first()
    return found or PartDelivery(part=part)


def _apply_stock(event: SupplierEvent, items: Mapping[str, StockItem]) -> None:
    """The supplier's row lock keeps two reports apart, so that each item ends with the newest."""
    Supplier.objects.select_for_update(of=("self",)).get(pk=event.supplier_id)
    known = {row.item_id: row for row in StockLevel.objects.filter(supplier=event.supplier_id, item_id__in=items)}
    newer = [
        _level(event, item)
        for item in items.values()
        if item.item_id not in known or event.happened_at >= known[item.item_id].happened_at
    ]
    StockLevel.objects.bulk_create(
        newer,
        update_conflicts=True,
        unique_fields=["supplier", "item_id"],
        update_fields=["available", "expected_date", "happened_at", "received_at"],
    )


def _level(event: SupplierEvent, item: StockItem) -> StockLevel:
    return StockLevel(
        supplier_id=event.supplier_id,
        item_id=item.item_id,
        available=format(item.available, "f"),
        expected_date=item.expected_date,
        happened_at=event.happened_at,
    )


def _tell_timeline(part: SupplierPart, event: SupplierEvent, *, said: str, words: str, newest: bool) -> None:
    detail = f"Dated {event.timestamp}." + (f" Lines: {words}." if words else "")
    if not newest:
        detail += " A newer report was there already, so the state stays as it was."
    if event.ignored:
        detail += f" Members not known here: {', '.join(event.ignored[:20])}."
    timeline_entries.record(
        part.key,
        source="supplier",
        what=f"{part.supplier.name} reported {said}",
        detail=detail,
        correlation_id=event.correlation_id,
        reference=part.token,
    )
