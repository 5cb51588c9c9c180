"""Store what the warehouse holds after an attempt, in the transaction that records the outcome."""

from __future__ import annotations

from collections.abc import Sequence

from orderflow.imports.import_rules import IMPORT
from orderflow.imports.outcomes import ImportOutcome
from orderflow.imports.payloads import Snapshot
from orderflow.imports.warehouse_states import Holding
from orderflow.models import Product, WarehouseOrder
from orders.database.bulk_sql import Columns
from orders.database.clock import DatabaseClock
from orders.integrations.channels import Verdict
from orders.models import Delivery

_PLACES = Columns(
    WarehouseOrder, "id", "failure", "state", "digest", "imports_unanswered", "import_sent_at", "cancel_sent_at"
)
_NOTE = """
    WITH done (id, failure, state, digest, imports_unanswered, import_sent_at, cancel_sent_at) AS ({rows})
    UPDATE orderflow_warehouseorder AS place SET failure = done.failure, state = done.state, digest = done.digest,
        imports_unanswered = done.imports_unanswered, import_sent_at = done.import_sent_at,
        cancel_sent_at = done.cancel_sent_at
    FROM done WHERE place.id = done.id
"""


def record_orders(outcomes: Sequence[tuple[Delivery, ImportOutcome]]) -> None:
    """Store what the warehouse holds of each order, and the failure if its delivery is dead."""
    now, rows = DatabaseClock.recent().now(), []
    WarehouseOrder.hold(outcome.row_id for _, outcome in outcomes)
    for delivery, outcome in outcomes:
        failure = _failure(delivery, outcome)
        if outcome.holding is None:
            WarehouseOrder.objects.filter(pk=outcome.row_id).update(failure=failure)
            continue
        known, calls = outcome.holding, outcome.holding.unanswered.written(now)
        row = (outcome.row_id, failure, known.state, known.digest, calls.imports, calls.import_at, calls.cancel_at)
        rows.append(row)
        if outcome.verdict is Verdict.DELIVERED and delivery.kind == IMPORT:
            _adopt(delivery, outcome.row_id, outcome.holding)
    _PLACES.execute(_NOTE, rows)


def _failure(delivery: Delivery, outcome: ImportOutcome) -> str:
    return outcome.detail if delivery.status == Delivery.Status.DEAD else ""


def _adopt(delivery: Delivery, row_id: int, holding: Holding) -> None:
    """If settings changed between planning and sending, the sent import becomes the last required one."""
    planned = Snapshot.read(delivery.payload).digest
    if planned != holding.digest:
        WarehouseOrder.objects.filter(pk=row_id, owed_digest=planned).update(owed_digest=holding.digest)


def record_product(delivery: Delivery, outcome: ImportOutcome) -> None:
    rows = Product.objects.filter(pk=outcome.row_id)
    if delivery.status == Delivery.Status.DEAD:
        rows.update(failure=outcome.detail)
    elif outcome.holding is not None:
        rows.update(held_digest=outcome.holding.digest, failure="")


def forget_failure(delivery: Delivery) -> None:
    """Clear the failure of an order whose dead delivery was discarded."""
    lane = delivery.lane
    WarehouseOrder.objects.filter(
        channel__destination=delivery.destination_id,
        business_unit_id=lane.business_unit_id,
        customer_order_id=lane.customer_order_id,
    ).update(failure="")
