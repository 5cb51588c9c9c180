"""The deliveries that the changes of one batch require at a tenant's warehouses, in the applying transaction.

Two reads, bulk writes. References are reserved here by the constraint ``warehouse_reference_reserved_once``: of two
orders with the same reference the first one gets it, and the other is refused before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from orderflow.imports.import_rules import (
    CANCEL,
    IMPORT,
    Known,
    RequiredImport,
    Wanted,
    required_import,
)
from orderflow.imports.payloads import Snapshot, import_digest, reference_for
from orderflow.models import OrderFlowChannel, WarehouseOrder
from orders.documents.status_words import is_cancelled, is_ended
from orders.integrations.channels import Change, NotRequired, RequiredDelivery
from orders.models import OrderEvent, Tenant
from orders.values.order_key import OrderKey
from orders.values.patterns import taken_by

Place = tuple[int, str, str]
"""(channel, business unit, order): where a WarehouseOrder stands."""

WRITTEN = ("owed", "owed_digest", "failure")


def known(row: WarehouseOrder) -> Known:
    """The row's state as the rules need it."""
    held = row.state == WarehouseOrder.State.HELD
    return Known(
        required=row.owed,
        digest=row.owed_digest,
        arrived=held and row.digest == row.owed_digest,
        present=held or row.state in (WarehouseOrder.State.UNKNOWN, WarehouseOrder.State.UNLISTED),
    )


class ImportPlanner:
    """Made per batch and tenant; see ``orders.integrations.channels.Planner``."""

    def __init__(self, tenant: Tenant, keys: Sequence[OrderKey]) -> None:
        channels = OrderFlowChannel.objects.filter(destination__tenant=tenant).order_by("pk")
        self._channels = list(channels)
        self._rows = _stored(self._channels, keys)
        self._touched: dict[Place, WarehouseOrder] = {}

    def plan(self, change: Change) -> Iterable[RequiredDelivery | NotRequired]:
        return [self._plan(change, channel) for channel in self._channels]

    def _plan(self, change: Change, channel: OrderFlowChannel) -> RequiredDelivery | NotRequired:
        row = self._row(change, channel)
        due = self._required(change, channel, row)
        if not due.kind:
            return NotRequired(channel.destination_id, due.because)
        payload = self._remember(change, channel, row, kind=due.kind)
        return RequiredDelivery(
            channel.destination_id, due.kind, payload, supersedes_unsent=True, reference=row.reference or ""
        )

    def _required(self, change: Change, channel: OrderFlowChannel, row: WarehouseOrder) -> RequiredImport:
        if change.before == change.after:
            return RequiredImport(because="the event changed nothing")
        if not row.owed and not _wants_unit(channel, change.key.business_unit_id):
            return RequiredImport(because=f"the channel does not take orders of {change.key.business_unit_id}")
        return required_import(
            known(row),
            _wanted(change, channel, row),
            updates=channel.on_update == channel.OnUpdate.REIMPORT,
            cancels=channel.on_cancel == channel.OnCancel.CANCEL,
        )

    def _row(self, change: Change, channel: OrderFlowChannel) -> WarehouseOrder:
        place = (channel.pk, change.key.business_unit_id, change.key.customer_order_id)
        if place not in self._rows:
            self._rows[place] = WarehouseOrder(
                channel_id=channel.pk,
                business_unit_id=change.key.business_unit_id,
                customer_order_id=change.key.customer_order_id,
                reference=_reservable(channel, change.key),
                first_received_at=_first_received_at(change),
            )
        return self._rows[place]

    def _remember(self, change: Change, channel: OrderFlowChannel, row: WarehouseOrder, *, kind: str) -> str:
        """Store the required delivery in the row; returns the delivery's payload."""
        self._touched[row.place] = row
        row.owed, row.owed_digest, row.failure = kind, "", ""
        if kind != IMPORT:
            return change.after["status"] if kind == CANCEL and is_cancelled(change.after["status"]) else ""
        snapshot = Snapshot.of(change.after, received_at=row.first_received_at)
        row.owed_digest = import_digest(snapshot, channel, reference=_reference(channel, row))
        return snapshot.text(digest=row.owed_digest)

    def save(self) -> None:
        stored = [row for row in self._touched.values() if row.pk is not None]
        WarehouseOrder.hold(row.pk for row in stored)
        WarehouseOrder.objects.bulk_update(stored, WRITTEN)
        new = [row for row in self._touched.values() if row.pk is None]
        _insert(sorted(new, key=lambda row: (row.channel_id, row.reference or "")))
        self._touched.clear()


def _first_received_at(change: Change) -> datetime:
    """The order's first reception, which an import has as ``placed``, however late the warehouse gets its part."""
    if change.sequence == 1:
        return change.received_at
    first = OrderEvent.objects.filter(
        sequence=1, **{f"queue__{name}": part for name, part in change.key._asdict().items()}
    )
    return first.values_list("received_at", flat=True).first() or change.received_at


def _wants_unit(channel: OrderFlowChannel, business_unit_id: str) -> bool:
    return channel.business_units is None or business_unit_id in channel.business_units


def _wanted(change: Change, channel: OrderFlowChannel, row: WarehouseOrder) -> Wanted:
    status, takes = change.after["status"], taken_by(channel.item_patterns)
    has_lines = any(takes(item["itemId"]) for item in change.after["items"])
    if is_ended(status) or not has_lines:
        return Wanted(status, has_lines, "")

    def digest(document: Mapping[str, Any]) -> str:
        snapshot = Snapshot.of(document, received_at=row.first_received_at)
        return import_digest(snapshot, channel, reference=_reference(channel, row))

    now = digest(change.after)
    before = change.before
    return Wanted(status, has_lines, now, unchanged=lambda: before is not None and digest(before) == now)


def _reference(channel: OrderFlowChannel, row: WarehouseOrder) -> str:
    return row.reference or reference_for(
        channel, business_unit_id=row.business_unit_id, customer_order_id=row.customer_order_id
    )


def _reservable(channel: OrderFlowChannel, key: OrderKey) -> str | None:
    """None for a reference that is too long for OrderFlow: the order is refused when it is sent."""
    reference = reference_for(channel, business_unit_id=key.business_unit_id, customer_order_id=key.customer_order_id)
    limit = WarehouseOrder._meta.get_field("reference").max_length
    return reference if len(reference) <= (limit or 0) else None


def _stored(channels: Sequence[OrderFlowChannel], keys: Sequence[OrderKey]) -> dict[Place, WarehouseOrder]:
    if not channels:
        return {}
    rows = WarehouseOrder.objects.filter(
        channel__in=[channel.pk for channel in channels],
        customer_order_id__in={key.customer_order_id for key in keys},
        business_unit_id__in={key.business_unit_id for key in keys},
    )
    return {row.place: row for row in rows}


def _insert(rows: Sequence[WarehouseOrder]) -> None:
    """Insert new rows. A row whose reference another order has, of this batch or of another worker, is written
    without a reference. Sorted by reference, so that workers with the same references wait and do not deadlock.
    """
    if not rows:
        return
    WarehouseOrder.objects.bulk_create(rows, ignore_conflicts=True)
    written = set(
        WarehouseOrder.objects.filter(
            channel__in={row.channel_id for row in rows},
            customer_order_id__in={row.customer_order_id for row in rows},
        ).values_list("channel_id", "business_unit_id", "customer_order_id")
    )
    left_out = [row for row in rows if row.place not in written]
    for row in left_out:
        row.pk, row.reference = None, None
    WarehouseOrder.objects.bulk_create(left_out)
