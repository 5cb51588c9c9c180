"""Claim what is due, for both kinds of queue row: order queues (shared between tenants) and lanes (between
destinations).

Lease, commit, work, guarded release (docs/design/inbox.md#leases). A claim sets a lease and moves ``due_at`` to its
end, so a row with an expired lease is due again, and one partial index serves new work, retries and lost workers. A
claim that finds an expired lease marks the row with a loss; further losses are counted by the worker that tries the row
alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from orders.database.clock import DatabaseClock
from orders.database.lock_errors import limit_lock_waits
from orders.models import Lane, OrderQueue

LOSSES_THAT_COUNT = 3
"""Workers lost on the same head before it counts as an attempt (docs/design/inbox.md#failures)."""
LEASE_SECONDS = 24.0
"""Of a lane, renewed while its call runs: a killed worker's deliveries are claimed again within 30 s."""


@dataclass(frozen=True, slots=True)
class QueueKind:
    """A model with leases, and the column between whose values its work is shared."""

    model: type[OrderQueue] | type[Lane]
    group: str

    @property
    def table(self) -> str:
        return self.model._meta.db_table


QUEUES = QueueKind(OrderQueue, "tenant_id")
LANES = QueueKind(Lane, "destination_id")


def due_groups(line: QueueKind) -> list[int]:
    """The tenants (or destinations) that have due rows. A skip scan: its cost grows with groups, not with rows."""
    if connection.vendor == "sqlite":
        due = line.model._default_manager.filter(due_at__lte=DatabaseClock().now())
        return list(due.order_by(line.group).values_list(line.group, flat=True).distinct())
    with connection.cursor() as cursor:
        cursor.execute(_SKIP_SCAN.format(table=line.table, group=line.group))
        return [row[0] for row in cursor.fetchall()]


def claim(line: QueueKind, limits: Mapping[int, int], *, lease_seconds: float) -> tuple[uuid.UUID, list[int]]:
    """Lease up to ``limits[group]`` due rows of each group, oldest due first, in a transaction of its own.

    Returns the lease and the ids of the rows. Rows that another worker has locked are skipped.
    """
    lease = uuid.uuid4()
    wanted = {group: most for group, most in limits.items() if most > 0}
    if not wanted:
        return lease, []
    with transaction.atomic():
        claimed = _claim_sqlite if connection.vendor == "sqlite" else _claim_postgresql
        return lease, claimed(line, wanted, lease, lease_seconds)


# statement_timestamp() and not clock_timestamp() where rows are looked for: a volatile function is no index condition.
# The picked ids as an array: the planner takes them for few and updates by key; a join would read the whole table.
def _claim_postgresql(line: QueueKind, wanted: Mapping[int, int], lease: uuid.UUID, lease_seconds: float) -> list[int]:
    sql = f"""
        UPDATE {line.table} AS line
        SET losses = CASE WHEN line.lease IS NULL THEN line.losses ELSE greatest(line.losses, 1) END,
            lease = %s, due_at = clock_timestamp() + %s * interval '1 second'
        WHERE line.id = ANY (ARRAY (
            SELECT due.id FROM unnest(%s::bigint[], %s::int[]) AS wanted (group_id, most)
            CROSS JOIN LATERAL (
                SELECT id FROM {line.table} WHERE {line.group} = wanted.group_id AND due_at <= statement_timestamp()
                ORDER BY due_at LIMIT wanted.most FOR UPDATE SKIP LOCKED
            ) AS due
        ))
        RETURNING line.id
    """  # noqa: S608  # table and column names are our own constants
    with connection.cursor() as cursor:
        cursor.execute(sql, [lease, lease_seconds, list(wanted), list(wanted.values())])
        return [row[0] for row in cursor.fetchall()]


def _claim_sqlite(line: QueueKind, wanted: Mapping[int, int], lease: uuid.UUID, lease_seconds: float) -> list[int]:
    clock = DatabaseClock()
    due = line.model._default_manager.filter(due_at__lte=clock.now()).order_by("due_at")
    ids = [
        pk
        for group, most in wanted.items()
        for pk in due.filter(**{line.group: group}).values_list("pk", flat=True)[:most]
    ]
    lines = line.model._default_manager.filter(pk__in=ids)
    lines.filter(lease__isnull=False, losses=0).update(losses=1)
    lines.update(lease=lease, due_at=clock.now(lease_seconds))
    return ids


@transaction.atomic
def renew(line: QueueKind, leases: Mapping[int, uuid.UUID]) -> None:
    """Extend leases (row id: lease) to LEASE_SECONDS from now, where the row still has that lease.

    Never waits for a lock: a locked row is left to the next renewal.
    """
    limit_lock_waits()
    free = line.model._default_manager.select_for_update(skip_locked=True)
    wanted = free.filter(pk__in=list(leases), lease__in=set(leases.values()))
    ours = [pk for pk, lease in wanted.values_list("pk", "lease") if leases[pk] == lease]
    if ours:
        line.model._default_manager.filter(pk__in=ours).update(due_at=DatabaseClock().now(LEASE_SECONDS))


def expire_leases(line: QueueKind) -> None:
    """Make every leased row due now: for a process that is known to be the only one, so all leases are of lost workers.

    The leases stay in the rows, so the next claim counts the loss.
    """
    line.model._default_manager.filter(lease__isnull=False).update(due_at=DatabaseClock().now())


def give_back(line: QueueKind, lease: uuid.UUID, *, at: datetime | None = None) -> None:
    """End a lease early and count nothing: rows that still have it are due at once (or ``at``)."""
    line.model._default_manager.filter(lease=lease).update(lease=None, due_at=at or DatabaseClock().now())


_SKIP_SCAN = """
    WITH RECURSIVE groups AS (
        (SELECT {group} FROM {table} WHERE due_at IS NOT NULL ORDER BY {group} LIMIT 1)
        UNION ALL
        SELECT (SELECT next.{group} FROM {table} AS next WHERE next.due_at IS NOT NULL
                AND next.{group} > groups.{group} ORDER BY next.{group} LIMIT 1)
        FROM groups WHERE groups.{group} IS NOT NULL
    )
    SELECT {group} FROM groups WHERE {group} IS NOT NULL AND EXISTS (
        SELECT 1 FROM {table} AS due WHERE due.{group} = groups.{group} AND due.due_at <= statement_timestamp())
"""
