"""Erase the personal data of one customer of one tenant (the right to be forgotten), wherever the hub keeps it.

    customer_orders.py   the orders that name the customer, also those of which only an unapplied event is stored
    locking.py           lock an order with no pending work against its worker and the dispatchers
    one_order.py         erase one order: texts first, documents last

Ids, sequences and digests stay. So an identical PUT changes nothing, sends nothing and leaves the order erased; a
different one is applied as any other and stores its data again: erase at the source first. An order with pending work
is left unchanged and reported with the reason. Dead rows are discarded, because their payloads are erased. After a kill
the same call continues: texts that quote a value are rewritten before the document that contains it.

Integrations erase their own rows (``Integration.erase``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from orders.models import OperatorAction, OrderQueue, Tenant
from orders.retention.erasure.customer_orders import queues_of
from orders.retention.erasure.locking import UnderWay
from orders.retention.erasure.one_order import erase_order

__all__ = ["Asked", "Report", "erase"]

ACTION = "erase"
SUBJECT_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """The customer, the person who asks, and the reason. ``thorough``: also find orders that changed their customer,
    by reading every event of the tenant.
    """

    tenant: Tenant
    customer_id: str
    who: str
    reason: str = ""
    thorough: bool = False
    wait_seconds: float = 0.0
    """How long to wait per order for pending work, in seconds."""


@dataclass(slots=True)
class Report:
    """``counts`` by kind of row; ``waiting`` has one sentence per order that was left unchanged."""

    reason: str = ""
    """As recorded: without personal values of the orders."""
    counts: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    waiting: list[str] = field(default_factory=list)


def erase(asked: Asked, *, dry_run: bool = False, most: int | None = None) -> Report:
    """Erase, or only count. Every order has its own transactions; ``most`` limits the orders of one call."""
    report = Report(asked.reason)
    for queue in _queues(asked, most):
        note = _note(asked, queue, report.reason)
        try:
            counts = erase_order(
                queue, asked.customer_id, note=note, write=not dry_run, wait_seconds=asked.wait_seconds
            )
        except UnderWay as why:
            report.waiting.append(f"Order {queue.customer_order_id} of {queue.business_unit_id}: {why}")
            continue
        report.counts += counts
        report.reason = note.reason
        report.orders += bool(counts)
    if not dry_run:
        _record(asked, report)
    return report


def _queues(asked: Asked, most: int | None) -> list[OrderQueue]:
    ids = queues_of(asked.tenant.pk, asked.customer_id, thorough=asked.thorough)
    return list(OrderQueue.objects.filter(pk__in=ids).order_by("pk")[:most])


def _note(asked: Asked, queue: OrderQueue, reason: str) -> OperatorAction:
    return OperatorAction(
        **queue.key._asdict(), who=asked.who, action=ACTION, subject=f"order:{queue.pk}", reason=reason,
        outcome="erased",
    )  # fmt: skip


def _record(asked: Asked, report: Report) -> None:
    """Record the request, also when there was nothing to erase."""
    OperatorAction.objects.create(
        tenant=asked.tenant, who=asked.who, action=ACTION, subject=f"customer:{asked.customer_id}"[:SUBJECT_LENGTH],
        reason=report.reason, outcome=f"{report.orders} erased, {len(report.waiting)} under way",
    )  # fmt: skip
