"""Which locks the recorder reads from the text of a statement."""

from __future__ import annotations

import pytest

from tests.locks.statements import Lock, locks_of

CLAIM = """
    UPDATE orders_lane AS line SET lease = %s WHERE line.id = ANY (ARRAY (
        SELECT due.id FROM unnest(%s::bigint[]) AS wanted (group_id) CROSS JOIN LATERAL (
            SELECT id FROM orders_lane WHERE due_at <= statement_timestamp() ORDER BY due_at FOR UPDATE SKIP LOCKED
        ) AS due)) RETURNING line.id
"""
RECEIVE = """
    WITH queue AS (INSERT INTO orders_orderqueue AS q (tenant_id, last_sequence) VALUES (1, 1)
        ON CONFLICT (tenant_id) DO UPDATE SET last_sequence = q.last_sequence + 1 RETURNING id)
    INSERT INTO orders_orderevent (id, queue_id) SELECT 1, queue.id FROM queue
"""
LEASED = 'SELECT "q"."id" FROM "q" WHERE ("q"."lease" IS NULL OR "q"."due_at" <= %s) FOR UPDATE'
JOINED = 'SELECT 1 FROM "a" INNER JOIN "b" ON ("a"."b_id" = "b"."id") ORDER BY "a"."id" FOR NO KEY UPDATE'


@pytest.mark.parametrize(
    ("sql", "locks"),
    [
        ('SELECT "a"."id" FROM "a" WHERE "a"."name" = \'FOR UPDATE\'', []),
        ('INSERT INTO "a" ("id") VALUES (%s)', []),
        ('SELECT 1 FROM "a" ORDER BY "a"."id" FOR UPDATE', [Lock("a", "select", ordered=True)]),
        ('SELECT 1 FROM "a" FOR UPDATE SKIP LOCKED', [Lock("a", "select", waits=False)]),
        ('SELECT 1 FROM "a" FOR UPDATE NOWAIT', [Lock("a", "select", waits=False)]),
        ("SELECT * FROM a WHERE id = ANY(%s) FOR SHARE", [Lock("a", "select")]),
        (LEASED, [Lock("q", "select", unleased=True)]),
        (JOINED, [Lock("a", "select", ordered=True), Lock("b", "select", ordered=True)]),
        (f'{JOINED} OF "a"', [Lock("a", "select", ordered=True)]),
        ('UPDATE "a" SET "x" = %s WHERE "a"."id" IN (SELECT 1 FROM "b")', [Lock("a", "update")]),
        ('DELETE FROM "a" WHERE "a"."id" = %s', [Lock("a", "delete")]),
        ("WITH done (id) AS (SELECT * FROM unnest(%b)) UPDATE a SET x = 1 FROM done", [Lock("a", "update")]),
        (
            "INSERT INTO a (x, y) SELECT * FROM unnest(%b, %b) ON CONFLICT (x) DO NOTHING",
            [Lock("a", "insert", columns=("x", "y"), conflict=("x",))],
        ),
        ("SELECT pg_advisory_xact_lock(%s)", [Lock("advisory", "advisory")]),
        ("SELECT pg_try_advisory_lock(%s)", []),
        (CLAIM, [Lock("orders_lane", "select", waits=False, ordered=True), Lock("orders_lane", "update")]),
        (
            RECEIVE,
            [
                Lock(
                    "orders_orderqueue",
                    "insert",
                    columns=("tenant_id", "last_sequence"),
                    conflict=("tenant_id",),
                )
            ],
        ),
    ],
)
def test_the_locks_of_a_statement(sql, locks):
    assert list(locks_of(sql)) == locks
