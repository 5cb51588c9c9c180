"""Ask warehouses what they hold of one order, on demand; the answer is added to the order's timeline."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from orderflow.imports.order_difference import difference
from orderflow.imports.payloads import Snapshot, draw
from orderflow.imports.reconciliation import MOST_LINES
from orderflow.models import WarehouseOrder
from orderflow.site.client import site_of
from orderflow.site.import_documents import NotSendable
from orderflow.site.reports import NoSuchOrder, OrderDetail, Trouble
from orders.documents import load
from orders.models import Order
from orders.outgoing import Deadline
from orders.telemetry import timeline_entries

ASK_SECONDS = 20.0
"""Limit of the call, for which a person waits."""


def ask(place: WarehouseOrder) -> str:
    """Ask and add the answer to the timeline; returns it as a sentence. Calls the network: never in a transaction."""
    channel = place.channel
    key = place.key(channel.destination.tenant_id)
    if place.reference is None:
        return f"This order was never sent to {channel}: another order has its reference."
    site = site_of(channel)
    found: OrderDetail | NoSuchOrder | Trouble = (
        site
        if isinstance(site, Trouble)
        else site.detail(place.reference, lines=MOST_LINES, deadline=Deadline.after(ASK_SECONDS))[0]
    )
    detail = _words(found, _wanted(place))
    timeline_entries.record(
        key,
        source="warehouse",
        what=f"{channel} was asked for {place.reference}",
        detail=detail,
        reference=place.reference,
    )
    return f"{channel}: {detail}"


def _words(found: OrderDetail | NoSuchOrder | Trouble, wanted: Mapping[str, Decimal] | None) -> str:
    if isinstance(found, Trouble):
        return f"It gave no usable answer. {found.text}"
    if isinstance(found, NoSuchOrder):
        return f"It holds no such order ({found.text})."
    held = ", ".join(f"{quantity} x {item}" for item, quantity in found.quantities.items()) or "no lines"
    differs = None if wanted is None else difference(found, wanted)
    return f"It holds {held}, state {found.state or 'unknown'}. {differs or ''}".strip()


def _wanted(place: WarehouseOrder) -> Mapping[str, Decimal] | None:
    """The quantities that the order as it stands asks for; None where that cannot be said."""
    channel = place.channel
    order = Order.objects.filter(**place.key(channel.destination.tenant_id)._asdict()).first()
    if order is None or not place.reference:
        return None
    snapshot = Snapshot.of(load(order.document), received_at=place.first_received_at)
    try:
        return draw(snapshot, channel, reference=place.reference).quantities
    except NotSendable:
        return None
