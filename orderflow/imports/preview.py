"""A dry run: the exact document that a channel would send for an order, and every check, sending nothing."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace

from orderflow.imports.payloads import Snapshot, draw, reference_for
from orderflow.imports.warehouse_states import State
from orderflow.models import OrderFlowChannel, WarehouseOrder
from orderflow.site.import_documents import NotSendable, document
from orders.documents import load
from orders.documents.status_words import is_ended
from orders.masking.documents import Masker
from orders.models import Order
from orders.values.patterns import taken_by

_HELD = {
    State.ABSENT: "The warehouse holds nothing of the order.",
    State.UNKNOWN: "An import was sent and no verdict came; the same import is sent again, another looks first.",
    State.UNLISTED: "A result did not mention the import; the warehouse is asked before anything is sent.",
    State.HELD: "The warehouse holds the order.",
    State.CANCELLED: "The warehouse cancelled the order.",
}


@dataclass(frozen=True, slots=True)
class Check:
    passed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What one channel would send; ``body`` is empty where a check stands in the way.

    What the warehouse refused before is a check that fails, but the document is shown: it may have been mended there.
    """

    channel: OrderFlowChannel
    checks: tuple[Check, ...]
    body: bytes = b""

    @property
    def sendable(self) -> bool:
        return bool(self.body)

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def previews(order: Order) -> Iterator[Preview]:
    """One per channel of the order's tenant. Reads the database, writes and sends nothing."""
    channels = OrderFlowChannel.objects.filter(destination__tenant=order.tenant_id).select_related("destination")
    for channel in channels.order_by("destination__name"):
        row = WarehouseOrder.objects.filter(
            channel=channel, business_unit_id=order.business_unit_id, customer_order_id=order.customer_order_id
        ).first()
        yield _preview(order, channel, row)


def masked_previews(order: Order, masker: Masker) -> Iterator[Preview]:
    """The same for a reader from whom ``masker`` keeps personal data: judged as it is, drawn without them."""
    covered = copy(order)
    covered.document = masker.document(order.document)
    for preview, drawn in zip(previews(order), previews(covered), strict=True):
        checks = tuple(replace(check, text=masker.text(check.text)) for check in preview.checks)
        yield Preview(preview.channel, checks, drawn.body if preview.sendable else b"")


def _preview(order: Order, channel: OrderFlowChannel, row: WarehouseOrder | None) -> Preview:
    reserved = row.reference if row else None
    reference = reserved or reference_for(
        channel, business_unit_id=order.business_unit_id, customer_order_id=order.customer_order_id
    )
    checks = [*_wanted(order, channel), _free(channel, reference, reserved=reserved is not None)]
    if row is not None:
        checks.append(Check(True, _HELD[State(row.state)]))
    received_at = row.first_received_at if row else order.received_at
    try:
        drawn = draw(Snapshot.of(load(order.document), received_at=received_at), channel, reference=reference)
    except NotSendable as reason:
        return Preview(channel, (*checks, Check(False, str(reason))))
    checks.append(Check(True, f"The order can be written: {len(drawn.names)} item(s)."))
    body = document([drawn.item]) if all(check.passed for check in checks) else b""
    if row is not None and row.failure:
        checks.append(Check(False, f"The last import of it failed, and a retry may fail again: {row.failure}"))
    return Preview(channel, tuple(checks), body)


def _wanted(order: Order, channel: OrderFlowChannel) -> Iterator[Check]:
    unit, takes = order.business_unit_id, taken_by(channel.item_patterns)
    if channel.business_units is not None and unit not in channel.business_units:
        yield Check(False, f"The channel does not take orders of {unit}.")
    mine = sum(takes(item["itemId"]) for item in load(order.document)["items"])
    yield Check(mine > 0, f"{mine} line(s) are of items that this warehouse takes.")
    yield Check(not is_ended(order.status), f"The order's status is {order.status}.")


def _free(channel: OrderFlowChannel, reference: str, *, reserved: bool) -> Check:
    if reserved:
        return Check(True, f"The reference {reference} is reserved for this order.")
    other = WarehouseOrder.objects.filter(channel=channel, reference=reference).first()
    if other is None:
        return Check(True, f"The reference {reference} is free.")
    return Check(
        False,
        f"The reference {reference} is used by order {other.customer_order_id} of {other.business_unit_id}; "
        "change the channel's reference setting.",
    )
