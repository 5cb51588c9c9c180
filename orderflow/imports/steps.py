"""Decide what one due delivery needs, from the stored state, before the network is called."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from orderflow.catalogue.product_documents import product_import
from orderflow.imports.import_rules import CANCEL, CLOSE
from orderflow.imports.outcomes import ImportOutcome, decided, retry_later
from orderflow.imports.payloads import Drawn, Snapshot, draw, reference_for, scope_of
from orderflow.imports.unanswered import Unanswered
from orderflow.imports.warehouse_states import ABSENT, Evidence, Holding, State, learned
from orderflow.models import OrderFlowChannel, Product, WarehouseOrder
from orderflow.site.import_documents import Import, NotSendable, Operation
from orders.database.bulk_sql import Columns
from orders.database.clock import DatabaseClock
from orders.database.lock_errors import limit_lock_waits
from orders.documents import load
from orders.documents.status_words import is_cancelled
from orders.integrations.channels import Verdict
from orders.models import Delivery, Lane

PRODUCT = "product"
"""The kind of a product's delivery; those of orders are in ``orderflow.imports.import_rules``."""


class SendPath(enum.Enum):
    """How a step is sent."""

    DECIDED = "decided"
    """Nothing is sent; the outcome is known."""
    PRODUCTS = "products"
    ORDERS = "orders"
    """Many in one document."""
    ALONE = "alone"
    """By itself, with a lookup or a cancel first."""


@dataclass(frozen=True, slots=True)
class Step:
    delivery: Delivery
    path: SendPath
    outcome: ImportOutcome | None = None
    item: Import | None = None
    drawn: Drawn | None = None
    reference: str = ""
    before: Holding = ABSENT
    """What the warehouse was known to hold when the step was made."""
    import_arrives_within: float = 0.0
    """Seconds in which an earlier import without an answer may still arrive."""
    cancel_arrives_within: float = 0.0
    row_id: int = 0

    @property
    def import_may_arrive(self) -> bool:
        """Whether an earlier import may still arrive, so that an answer "no such order" proves nothing."""
        return self.import_arrives_within > 0 and self.before.unanswered.imports > 0

    def learned(self, evidence: Evidence) -> Holding:
        """The known state after ``evidence``."""
        return learned(self.before, evidence, digest=self.item.digest if self.item else "")


def steps_of(channel: OrderFlowChannel, heads: Sequence[Delivery]) -> list[Step]:
    """One step per delivery, in the same order. Reads orders and products in one query each; lanes are loaded."""
    rows = _orders(channel, heads)
    products = _products(channel, heads)
    now = DatabaseClock.recent().now()
    steps = []
    for head in heads:
        if head.kind == PRODUCT:
            steps.append(_product_step(channel, head, products.get(head.reference)))
        else:
            lane = head.lane
            row = rows.get((lane.business_unit_id, lane.customer_order_id))
            steps.append(_with_unanswered(_order_step(channel, head, row), row, now))
    return steps


def _orders(channel: OrderFlowChannel, heads: Sequence[Delivery]) -> dict[tuple[str, str], WarehouseOrder]:
    ids = {head.lane.customer_order_id for head in heads if head.kind != PRODUCT}
    rows = WarehouseOrder.objects.filter(channel=channel, customer_order_id__in=ids) if ids else ()
    return {(row.business_unit_id, row.customer_order_id): row for row in rows}


def _products(channel: OrderFlowChannel, heads: Sequence[Delivery]) -> Mapping[str, Product]:
    skus = {head.reference for head in heads if head.kind == PRODUCT}
    return {row.sku: row for row in Product.objects.filter(channel=channel, sku__in=skus)} if skus else {}


def _done(delivery: Delivery, verdict: Verdict, detail: str, *, row_id: int = 0) -> Step:
    return Step(delivery, SendPath.DECIDED, outcome=decided(verdict, detail), row_id=row_id)


def _product_step(channel: OrderFlowChannel, delivery: Delivery, row: Product | None) -> Step:
    if row is None:
        return _done(delivery, Verdict.SUPERSEDED, "The product is no longer in the channel's catalogue.")
    operation: Operation = "merge" if row.held_digest else "insert"
    try:
        item = product_import(row.sku, load(delivery.payload), scope_of(channel), operation=operation)
    except NotSendable as reason:
        return _done(delivery, Verdict.REJECTED, f"Not sent. {reason}", row_id=row.pk)
    return Step(delivery, SendPath.PRODUCTS, item=item, reference=row.sku, row_id=row.pk)


def _with_unanswered(step: Step, row: WarehouseOrder | None, now: datetime) -> Step:
    if row is None:
        return step
    calls = Unanswered(row.imports_unanswered, row.import_sent_at, row.cancel_sent_at)
    if step.delivery.lane.losses:
        calls = calls.after_lost_dispatcher(now)
    waiting, cancelling = calls.import_arrives_within(now), calls.cancel_arrives_within(now)
    if step.item is not None and cancelling:
        step = Step(step.delivery, SendPath.DECIDED, outcome=retry_later(CANCEL_MAY_ARRIVE, cancelling), row_id=row.pk)
    before = Holding(row.state, row.digest, calls)
    return replace(step, before=before, import_arrives_within=waiting, cancel_arrives_within=cancelling)


def _order_step(channel: OrderFlowChannel, delivery: Delivery, row: WarehouseOrder | None) -> Step:
    if row is None:
        return _done(
            delivery, Verdict.REJECTED, "The hub has no record of this order for the channel; send the order again."
        )
    if delivery.kind == CLOSE:
        return _done(delivery, Verdict.SUPERSEDED, "The order is fulfilled; nothing had to be sent.", row_id=row.pk)
    if delivery.kind == CANCEL:
        return _cancel_step(channel, delivery, row)
    if (obstacle := _reserve(channel, row)) is not None:
        return _done(delivery, Verdict.REJECTED, obstacle, row_id=row.pk)
    reference = row.reference or reference_for(
        channel, business_unit_id=row.business_unit_id, customer_order_id=row.customer_order_id
    )
    try:
        drawn = draw(Snapshot.read(delivery.payload), channel, reference=reference)
    except NotSendable as reason:
        return _done(delivery, Verdict.REJECTED, f"Not sent. {reason}", row_id=row.pk)
    return _import_step(channel, delivery, row, drawn)


def _import_step(channel: OrderFlowChannel, delivery: Delivery, row: WarehouseOrder, drawn: Drawn) -> Step:
    if row.state == State.HELD and row.digest == drawn.item.digest:
        return _done(
            delivery,
            Verdict.SUPERSEDED,
            "The warehouse holds the order as it is; nothing had to be sent.",
            row_id=row.pk,
        )
    if row.state == State.HELD and channel.on_update == channel.OnUpdate.IGNORE:
        return _done(delivery, Verdict.SUPERSEDED, IGNORED_UPDATE, row_id=row.pk)
    resend = row.state == State.UNKNOWN and row.digest == drawn.item.digest
    together = resend or row.state in (State.ABSENT, State.CANCELLED)
    return Step(
        delivery,
        SendPath.ORDERS if together else SendPath.ALONE,
        item=drawn.item,
        drawn=drawn,
        reference=drawn.item.reference,
        row_id=row.pk,
    )


CANCEL_MAY_ARRIVE = (
    "A cancel of this order was sent, and its answer never came: the warehouse may still carry it out, and would then "
    "cancel a new import too."
)
IGNORED_UPDATE = "The warehouse holds an earlier version, and the channel's on_update is ignore; nothing was sent."


def _cancel_step(channel: OrderFlowChannel, delivery: Delivery, row: WarehouseOrder) -> Step:
    if row.reference is None or row.state in (State.ABSENT, State.CANCELLED):
        return _done(
            delivery,
            Verdict.SUPERSEDED,
            "The warehouse holds nothing of the order; nothing had to be sent.",
            row_id=row.pk,
        )
    by_status = is_cancelled(delivery.payload)
    if by_status and channel.on_cancel == channel.OnCancel.IGNORE:
        return _done(
            delivery, Verdict.SUPERSEDED, "The channel's on_cancel is ignore; nothing was sent.", row_id=row.pk
        )
    if not by_status and channel.on_update == channel.OnUpdate.IGNORE:
        return _done(delivery, Verdict.SUPERSEDED, IGNORED_UPDATE, row_id=row.pk)
    return Step(delivery, SendPath.ALONE, reference=row.reference, row_id=row.pk)


def _reserve(channel: OrderFlowChannel, row: WarehouseOrder) -> str | None:
    """Reserve the order's reference if it has none (the pattern may have been corrected); returns why it cannot be.

    A reference that is too long for OrderFlow is not reserved: making the import reports that fault.
    """
    if row.reference is not None:
        return None
    wanted = reference_for(channel, business_unit_id=row.business_unit_id, customer_order_id=row.customer_order_id)
    if len(wanted) > (WarehouseOrder._meta.get_field("reference").max_length or 0):
        return None
    try:
        with transaction.atomic():
            WarehouseOrder.objects.filter(pk=row.pk, reference=None).update(reference=wanted)
    except IntegrityError:
        return _conflict(channel, wanted)
    row.reference = wanted
    return None


def _conflict(channel: OrderFlowChannel, reference: str) -> str:
    other = WarehouseOrder.objects.filter(channel=channel, reference=reference).first()
    holder = f"order {other.customer_order_id} of {other.business_unit_id}" if other else "another order"
    return (
        f"Not sent. The reference {reference} is already used by {holder}. Change the channel's reference setting "
        f"(now {channel.reference}; {{businessUnitId}} makes it differ between business units), then retry."
    )


LOCKED_SECONDS = 1.0
"""Before a step is tried again whose rows another transaction had locked, as for orders (orders.inbox.applying)."""
SET_ASIDE = replace(
    decided(Verdict.HELD, "Not sent: another transaction has the order locked."), retry_after=LOCKED_SECONDS
)
_BEGUN = Columns(WarehouseOrder, "id", "state", "digest", "imports_unanswered", "import_sent_at", "cancel_sent_at")
_MARK = """
    WITH begun (id, state, digest, imports_unanswered, import_sent_at, cancel_sent_at) AS ({rows})
    UPDATE orderflow_warehouseorder AS place SET state = begun.state, digest = begun.digest,
        imports_unanswered = begun.imports_unanswered, import_sent_at = begun.import_sent_at,
        cancel_sent_at = begun.cancel_sent_at
    FROM begun WHERE place.id = begun.id
"""


def mark(steps: Sequence[Step]) -> list[Step]:
    """Store, before sending, what the warehouse may hold from now on, so that this is known if the worker dies.

    Returns the steps as they may be sent. One whose lane has another lease by now is another dispatcher's: it changes
    nothing and is not sent. Nor is one whose rows another transaction has locked: nobody waits for it here, and it is
    tried again soon.
    """
    with transaction.atomic():
        limit_lock_waits()
        leased = _still_leased(steps)
        begun = {step.row_id: after for step in leased if (after := _begun(step)) is not None}
        free = WarehouseOrder.hold(begun, skip_locked=True)
        now = DatabaseClock.recent().now()
        _BEGUN.execute(_MARK, [_row(pk, begun[pk], now) for pk in sorted(free)])
    sent = {step.delivery.pk for step in leased if _begun(step) is None or step.row_id in free}
    return [
        step if step.delivery.pk in sent else Step(step.delivery, SendPath.DECIDED, outcome=SET_ASIDE) for step in steps
    ]


def _still_leased(steps: Sequence[Step]) -> list[Step]:
    """Lock the lanes, before the orders (docs/design/locks.md); the steps whose lane still has its claim's lease."""
    lanes = Lane.locked(skip_locked=True).filter(pk__in=[step.delivery.lane_id for step in steps])
    leases = dict(lanes.values_list("pk", "lease"))
    return [step for step in steps if leases.get(step.delivery.lane_id) == step.delivery.lane.lease]


def _row(pk: int, begun: Holding, now: datetime) -> tuple[Any, ...]:
    calls = begun.unanswered.written(now)
    return (pk, begun.state, begun.digest, calls.imports, calls.import_at, calls.cancel_at)


def _begun(step: Step) -> Holding | None:
    """The state to store before ``step``; None when it does not change."""
    if not step.row_id or step.delivery.kind == PRODUCT:
        return None
    if step.path is SendPath.ORDERS:
        return step.learned(Evidence.IMPORT_GOES_OUT)
    if step.path is SendPath.ALONE and step.item is None:
        return step.learned(Evidence.CANCEL_BEGINS)
    if step.path is SendPath.ALONE:
        named = step.before.state != State.HELD and step.item is not None and step.item.digest == step.before.digest
        return step.learned(Evidence.LOOK_BEGINS if named else Evidence.REPLACEMENT_BEGINS)
    return step.before if step.delivery.lane.losses else None


def catalogue_for(channel: OrderFlowChannel, steps: Sequence[Step]) -> dict[str, dict[str, Any]]:
    """The catalogue's products among the steps' items, to import those that OrderFlow misses."""
    skus = {sku for step in steps if step.drawn is not None for sku in step.drawn.quantities}
    if not skus or not channel.import_missing_products:
        return {}
    return dict(Product.objects.filter(channel=channel, sku__in=skus).values_list("sku", "properties"))
