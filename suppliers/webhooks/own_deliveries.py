"""What a supplier may see and do of its own webhook deliveries (docs/reference/supplier-events.md#own-deliveries)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from orders.database.commit_order import from_moment
from orders.database.ids import WEBHOOK_PREFIX, read_id, webhook_id
from orders.dead_letters import dead_deliveries
from orders.dead_letters.operations import Busy, Result
from orders.models import Delivery, DeliveryAttempt
from orders.values.instants import instant
from orders.values.problems import Conflict, NotFound
from suppliers.models import Supplier
from suppliers.webhooks.settings import CHANNEL


def listed(supplier: Supplier, *, since: datetime | None = None, status: str | None = None) -> QuerySet[Delivery]:
    """The deliveries to the supplier's own webhook; ``orders.database.commit_order`` pages them."""
    rows = _own(supplier)
    if status is not None:
        rows = rows.filter(status=status)
    if since is not None:
        rows = from_moment(rows, since, column="created_at")
    return rows.select_related("lane")


def as_json(deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """With every attempt made; one query more, however many they are."""
    tries: dict[UUID, list[DeliveryAttempt]] = defaultdict(list)
    for one in DeliveryAttempt.objects.filter(delivery__in=deliveries).order_by("pk"):
        tries[one.delivery_id].append(one)
    return [_delivery(delivery, tries[delivery.pk]) for delivery in deliveries]


def redeliver(supplier: Supplier, delivery_id: str) -> Result:
    """Send one of the supplier's own deliveries again. Raises NotFound or Conflict."""
    known = read_id(delivery_id.removeprefix(WEBHOOK_PREFIX))
    delivery = _own(supplier).filter(pk=known).first() if known else None
    if delivery is None:
        raise NotFound("There is no delivery with this id to this supplier; list them with GET …/deliveries.")
    try:
        return dead_deliveries.redeliver(delivery, who=f"supplier {supplier.slug}", reason="asked for over the API")
    except (dead_deliveries.SetAside, Busy) as refused:
        raise Conflict(f"{str(refused)[:1].upper()}{str(refused)[1:]}.") from None


def _own(supplier: Supplier) -> QuerySet[Delivery]:
    """By the destination, which outlives its webhook."""
    return Delivery.objects.filter(
        destination__tenant=supplier.tenant_id, destination__channel=CHANNEL, destination__name=supplier.slug
    )


def _delivery(delivery: Delivery, tries: Sequence[DeliveryAttempt]) -> dict[str, Any]:
    lane = delivery.lane
    is_head = delivery.status == Delivery.Status.PENDING and delivery.position == lane.done_position + 1
    next_at = lane.due_at if is_head and lane.lease is None else None
    return {
        "id": str(delivery.pk),
        "webhookId": webhook_id(delivery.pk),
        "eventType": delivery.kind,
        "orderToken": delivery.reference,
        "sequence": delivery.sequence,
        "status": delivery.status,
        "createdAt": instant(delivery.created_at),
        "finishedAt": instant(delivery.finished_at),
        "nextAttemptAt": instant(next_at),
        "error": delivery.error or None,
        "attempts": [_attempt(one) for one in tries],
    }


def _attempt(one: DeliveryAttempt) -> dict[str, Any]:
    return {
        "number": one.number,
        "startedAt": instant(one.started_at),
        "durationMs": round(one.duration_ms),
        "outcome": one.verdict,
        "responseStatus": one.response_status,
        "response": one.response_cut,
        "detail": one.detail,
    }
