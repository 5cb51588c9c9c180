"""Erasing what is personal of one customer of one tenant (the right to be forgotten), wherever the hub keeps it.

    finding.py     the orders that name the customer, also those that never came to be
    holding.py     an order with nothing under way, locked against its worker and its couriers
    one_order.py   one order: texts first, documents last
    rewriting.py   rows whose columns change, a bounded number per transaction

Ids, sequences and digests stay. So the same PUT once more changes nothing, owes nothing and leaves the order erased;
one that differs is applied as any other and brings back what it says: erase at the source first. An order with anything
under way is left as it is, with the reason. What is dead is discarded: what it would send is gone. Killed half-way, the
same call goes on: texts that quote a value are rewritten while a document still tells the value.

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
    """Whose data, for whom and why. ``thorough``: read every event of the tenant for orders that changed hands."""

    tenant: Tenant
    customer_id: str
    who: str
    reason: str = ""
    thorough: bool = False
    wait_seconds: float = 0.0
    """How long to wait, per order, for what is under way."""


@dataclass(slots=True)
class Report:
    """``counts`` by kind of row; ``waiting`` one sentence per order that was left as it is."""

    reason: str = ""
    """As it stands on record: without values that were found in the orders."""
    counts: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    waiting: list[str] = field(default_factory=list)


def erase(asked: Asked, *, dry_run: bool = False, most: int | None = None) -> Report:
    """Erase, or only count. Every order has transactions of its own; ``most`` bounds the orders of one call."""
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
    """That it was asked for stays on record also where nothing was left to erase."""
    OperatorAction.objects.create(
        tenant=asked.tenant, who=asked.who, action=ACTION, subject=f"customer:{asked.customer_id}"[:SUBJECT_LENGTH],
        reason=report.reason, outcome=f"{report.orders} erased, {len(report.waiting)} under way",
    )  # fmt: skip
