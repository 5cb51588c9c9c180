"""The rows that `scale_console` fills in: a month of one busy hub, made inside the database.

An order has three events and five deliveries (two suppliers, a warehouse) with one try each. One event and one
delivery in 200 is dead, each with an error of its own order, so that grouping by cause has something to do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg

ORDERS = 1_000_000
CHUNK = 250_000
"""Rows of one INSERT: what the server sorts and logs at a time."""
DAYS = 30
DEAD_EVERY = 200
OVERTAKEN_EVERY = 2_000

_OPTIONS = "active, mode, country, time_zone, external_url, status_map, case_type, not_fetched_after_minutes"
SETTING = f"""
    INSERT INTO orders_tenant (id, slug, name, {_OPTIONS}, created_at, updated_at)
        SELECT n, 'scale-' || n, 'Scale ' || n, true, 'events', '', 'UTC', '', '{{}}', 'contentClaim', 30, now(), now()
        FROM generate_series(1, 4) AS n;
    INSERT INTO orders_destination (id, tenant_id, channel, name, active, state, state_reason, failures, concurrency)
        SELECT n * 10 + d, n, CASE d WHEN 3 THEN 'orderflow' ELSE 'supplier' END,
            CASE d WHEN 1 THEN 'beans' WHEN 2 THEN 'cups' ELSE 'main' END, true, 'running', '', 0, 4
        FROM generate_series(1, 4) AS n, generate_series(1, 3) AS d;
    INSERT INTO suppliers_supplier (id, tenant_id, slug, name, position, item_patterns, active, notices_numbered)
        SELECT n, n, 'beans', 'Beans ' || n, 0, '["BEAN-*"]', true, 0 FROM generate_series(1, 4) AS n;
    SELECT setval(pg_get_serial_sequence(t, 'id'), 1000)
        FROM unnest(ARRAY['orders_tenant', 'orders_destination', 'suppliers_supplier']) AS t;
"""
_ID = "(lpad(to_hex(%(start)s + {k}::bigint * %(step)s), 12, '0') || '7000{mark}000' || lpad(to_hex(n), 12, '0'))::uuid"
_TIME = "to_timestamp((%(start)s + {k}::bigint * %(step)s) / 1000.0)"
_PLACE = "n %% 4 + 1, 'store-' || n %% 5 + 1, 'past-' || n"

_ITEMS = '"items": [{"itemId": "BEAN-1", "quantityOrdered": 2, "unitPrice": 19.90}]'
QUEUES = f"""
    INSERT INTO orders_orderqueue (id, tenant_id, business_unit_id, customer_order_id, last_sequence, done_sequence,
            due_at, losses)
        SELECT n, {_PLACE}, 3, CASE WHEN n %% 1000 = 7 THEN 2 ELSE 3 END,
            CASE WHEN n %% 1000 = 7 THEN now() + interval '100 days' END, 0
        FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
_AT_ORDER = _TIME.format(k="n")
ORDER_ROWS = f"""
    INSERT INTO orders_order (queue_id, tenant_id, business_unit_id, customer_order_id, customer_id, status, item_ids,
            document, digest, applied_sequence, received_at, updated_at)
        SELECT n, {_PLACE}, 'c-' || n / 3, 'CREATED', '["BEAN-1"]',
            '{{"customerOrderId": "past-' || n || '", "customerId": "c-' || n / 3
                || '", "status": "CREATED", {_ITEMS}}}',
            '', CASE WHEN n %% 1000 = 7 OR n %% {DEAD_EVERY} = 0 THEN 2 ELSE 3 END, {_AT_ORDER}, {_AT_ORDER}
        FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
_K3, _K5 = f"((%(part)s - 1) * {ORDERS} + n)", f"((%(part)s - 1) * {ORDERS} + n)"
_DEAD_EVENT = f"((n %% {DEAD_EVERY} = 0 AND %(part)s = 3) OR (n %% {OVERTAKEN_EVERY} = 1 AND %(part)s = 2))"
EVENTS = f"""
    INSERT INTO orders_orderevent (id, queue_id, tenant_id, sequence, payload, correlation_id, status, attempts, error,
            changed, owes, received_at, finished_at)
        SELECT id, n, n %% 4 + 1, %(part)s,
            '{{"customerOrder": {{"customerOrderId": "past-' || n || '", "customerId": "c-' || n / 3
                || '", "status": "CREATED", {_ITEMS}}}}}',
            md5('event' || n || '-' || %(part)s), status, CASE status WHEN 'dead' THEN 8 ELSE 1 END,
            CASE WHEN status <> 'dead' THEN '' WHEN n %% 3 = 0
                THEN 'fault injection: order past-' || n || ' fails on this try'
                ELSE 'the stored body is not valid: /customerOrder/items/' || n %% 7 || '/unitPrice is no number' END,
            %(part)s < 3, '[{{"destination": ' || (n %% 4 + 1) * 10 + 1 || ', "owes": "order_created"}}]', at,
            CASE WHEN status <> 'pending' THEN at + interval '2 s' END
        FROM (SELECT n, {_ID.format(k=_K3, mark="8")} AS id, {_TIME.format(k=_K3)} AS at,
            CASE WHEN n %% 1000 = 7 AND %(part)s = 3 THEN 'pending' WHEN {_DEAD_EVENT} THEN 'dead' ELSE 'applied' END
            AS status FROM generate_series(%(first)s::bigint, %(last)s) AS n) AS made
"""
LANES = f"""
    INSERT INTO orders_lane (id, destination_id, key, tenant_id, business_unit_id, customer_order_id, last_position,
            done_position, losses)
        SELECT n * 3 + %(part)s, (n %% 4 + 1) * 10 + %(part)s, 'order:' || n, {_PLACE},
            CASE %(part)s WHEN 3 THEN 1 ELSE 2 END, CASE %(part)s WHEN 3 THEN 1 ELSE 2 END, 0
        FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
DELIVERIES = f"""
    WITH made AS (INSERT INTO orders_delivery (id, lane_id, destination_id, tenant_id, position, kind, payload,
            reference, event_id, sequence, correlation_id, status, attempts, tries_left_from, error, created_at,
            finished_at)
        SELECT id, n * 3 + lane, (n %% 4 + 1) * 10 + lane, n %% 4 + 1, %(part)s / 4 + 1,
            CASE %(part)s WHEN 3 THEN 'import' WHEN 1 THEN 'order_created' WHEN 2 THEN 'order_created'
                ELSE 'order_updated' END,
            '{{"eventType": "order"}}', upper(md5('reference' || n || '-' || lane)), NULL, 1,
            md5('event' || n || '-1'), CASE WHEN dead THEN 'dead' ELSE 'delivered' END, 1, 0,
            CASE WHEN NOT dead THEN '' WHEN %(part)s = 3
                THEN 'OrderFlow refused it: SKU BEAN-' || n || ' is unknown. Import the product first.'
                ELSE 'The receiver answered 503.' END, at, at + interval '1 s'
        FROM (SELECT n, %(part)s - %(part)s / 4 * 3 AS lane, {_ID.format(k=_K5, mark="9")} AS id,
                {_TIME.format(k=_K5)} AS at, n %% {DEAD_EVERY} = 3 AND %(part)s IN (3, 5) AS dead
            FROM generate_series(%(first)s::bigint, %(last)s) AS n) AS numbered
        RETURNING id, created_at, status)
    INSERT INTO orders_deliveryattempt (delivery_id, number, request_id, started_at, duration_ms, verdict, detail,
            response_status, response_cut)
        SELECT id, 1, id, created_at, 40, status, '', CASE status WHEN 'dead' THEN 503 ELSE 202 END, '' FROM made
"""
HAPPENINGS = f"""
    INSERT INTO orders_timelineentry (tenant_id, business_unit_id, customer_order_id, at, road, what, detail,
            correlation_id, reference)
        SELECT {_PLACE}, {_AT_ORDER}, 'supplier', 'Beans fetched its part', '', md5('fetch' || n), ''
        FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
PARTS = f"""
    INSERT INTO suppliers_supplierpart (supplier_id, tenant_id, business_unit_id, customer_order_id, order_token,
            created_at, owed_digest, owed_cancelled, owed_lines, owed_sequence, fetches, status)
        SELECT n %% 4 + 1, {_PLACE}, md5('token' || n)::uuid, {_AT_ORDER}, '', false, true, 1, 1, ''
        FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
KINDS = (
    ("queues", QUEUES, 1), ("orders", ORDER_ROWS, 1), ("events", EVENTS, 3), ("lanes", LANES, 3),
    ("deliveries and tries", DELIVERIES, 5), ("happenings", HAPPENINGS, 1), ("supplier parts", PARTS, 1),
)  # fmt: skip


def fill(connection: psycopg.Connection) -> None:
    """All rows, in the order of their ids; ends with VACUUM ANALYZE, as autovacuum would in time."""
    connection.execute("SET synchronous_commit TO off")
    connection.execute(SETTING)
    for name, text, parts in KINDS:
        started = time.monotonic()
        for values in _steps(parts):
            connection.execute(text, values)
        print(f"  {name}: {parts * ORDERS:,} in {time.monotonic() - started:.0f} s", flush=True)
    for table in ("orders_orderqueue", "orders_lane"):
        connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {10 * ORDERS})")
    connection.execute("VACUUM ANALYZE")


def _steps(parts: int) -> Iterator[dict[str, int]]:
    step = DAYS * 86_400_000 // (parts * ORDERS)
    start = int(time.time() * 1000) - DAYS * 86_400_000
    for part in range(1, parts + 1):
        for first in range(1, ORDERS + 1, CHUNK):
            yield {"part": part, "first": first, "last": first + CHUNK - 1, "start": start, "step": step}
