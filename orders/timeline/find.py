"""Find orders by an order id, customer id, event id, webhook id, order token, reference or correlation id.

Every lookup uses an index, so its cost does not grow with the history. Integrations add lookups by ids that only they
know (``Integration.find_orders``).

Two lookups need care on PostgreSQL. Order indexes begin with tenant and business unit, which the person does not
enter: a loose index scan steps through the pairs that exist and probes each. Correlation ids of events are indexed
within their hour, so that a PUT touches only the pages of the present hour: the lookup probes hour by hour. SQLite,
which is for small hubs, scans the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db import connection, models

from orders.database.clock import DatabaseClock
from orders.database.ids import WEBHOOK_PREFIX, read_id
from orders.integrations import integrations
from orders.models import Delivery, Order, OrderEvent, OrderQueue, TimelineEntry
from orders.values.order_key import OrderKey

MOST = 50
"""Orders in one answer."""
OLDEST_DAYS = 400
"""How far back correlation ids are looked for: a year and some weeks, 9,600 probes, measured at 23 ms."""

Way = tuple[str, Iterable[OrderKey]]


def find(text: str, *, tenant_id: int | None) -> dict[OrderKey, str]:
    """The orders with how each was found, the surest first; at most MOST. ``tenant_id`` limits to one tenant."""
    found: dict[OrderKey, str] = {}
    for by, keys in _ways(text.strip(), tenant_id) if text.strip() else ():
        for key in keys:
            if tenant_id is None or key.tenant_id == tenant_id:
                found.setdefault(key, by)
        if len(found) >= MOST:
            break
    return dict(list(found.items())[:MOST])


def _ways(text: str, tenant_id: int | None) -> Iterator[Way]:
    """The database is asked when the keys are read."""
    only = {} if tenant_id is None else {"tenant": tenant_id}
    named = read_id(text.removeprefix(WEBHOOK_PREFIX))
    if named:
        events = OrderEvent.objects.filter(pk=named, **only).select_related("queue").defer("payload")
        yield "event id", (event.queue.key for event in events)
        deliveries = Delivery.objects.filter(pk=named, **only).select_related("lane").defer("payload")
        yield "delivery or webhook id", (row.lane.order_key for row in deliveries if row.lane.customer_order_id)
    yield "order id", _in_every_place(OrderQueue, "customer_order_id", text, tenant_id)
    yield "order id", _in_every_place(TimelineEntry, "customer_order_id", text, tenant_id)
    yield "customer id", _in_every_place(Order, "customer_id", text, tenant_id)
    written = {text, text.upper()}
    referred = Delivery.objects.filter(reference__in=written, **only).exclude(reference="")
    yield "reference or order token", _keys(referred, through="lane__")
    yield "reference", _keys(TimelineEntry.objects.filter(reference__in=written, **only).exclude(reference=""))
    for one in integrations():
        yield from one.find_orders(text, tenant_id)
    entries = TimelineEntry.objects.filter(correlation_id=text, **only).exclude(correlation_id="")
    yield "correlation id", _keys(entries)
    yield "correlation id", _keys(_with_correlation(text).filter(**only), through="queue__")


def _keys(rows: models.QuerySet[models.Model], *, through: str = "") -> Iterator[OrderKey]:
    names = [through + name for name in ("tenant_id", "business_unit_id", "customer_order_id")]
    for row in rows.order_by().values_list(*names).distinct()[:MOST]:
        if row[2]:
            yield OrderKey(*row)


def _in_every_place(model: type[models.Model], column: str, text: str, tenant_id: int | None) -> Iterator[OrderKey]:
    """Rows of any tenant and business unit whose ``column`` is the text."""
    if connection.vendor == "sqlite":
        only = {} if tenant_id is None else {"tenant": tenant_id}
        yield from _keys(model._default_manager.filter(**{column: text}, **only))
        return
    table, own = model._meta.db_table, "" if tenant_id is None else "WHERE tenant_id = %(tenant)s"
    sql = (_PLACES + _HIT).format(table=table, column=column, own=own, ours=own.replace("WHERE", "AND"))
    with connection.cursor() as cursor:
        cursor.execute(sql, {"text": text, "tenant": tenant_id, "most": MOST})
        rows = cursor.fetchall()
    yield from (OrderKey(*row) for row in rows)


def anywhere(path: str, model: type[models.Model]) -> models.Q:
    """A condition that names every tenant and business unit, so that an index which begins with them serves ``path``.

    Empty for a model without these columns.
    """
    places_it = {"tenant", "business_unit_id"} <= {field.name for field in model._meta.get_fields()}
    if connection.vendor == "sqlite" or not places_it:
        return models.Q()
    prefix = path.rpartition("__")[0]
    within = f"{prefix}__" if prefix else ""
    places = _places()
    return models.Q(
        **{f"{within}tenant__in": {tenant for tenant, _ in places}},
        **{f"{within}business_unit_id__in": {unit for _, unit in places}},
    )


def _places() -> list[tuple[int, str]]:
    """Of every stored order, and of those only read through."""
    found: list[tuple[int, str]] = []
    with connection.cursor() as cursor:
        for model in (OrderQueue, TimelineEntry):
            cursor.execute((_PLACES + _ALL).format(table=model._meta.db_table, own="", ours=""))
            found += cursor.fetchall()
    return found


_PLACES = """
    WITH RECURSIVE place (tenant_id, business_unit_id) AS (
        (SELECT tenant_id, business_unit_id FROM {table} {own} ORDER BY tenant_id, business_unit_id LIMIT 1)
        UNION ALL
        SELECT following.tenant_id, following.business_unit_id FROM place, LATERAL (
            SELECT tenant_id, business_unit_id FROM {table}
            WHERE (tenant_id, business_unit_id) > (place.tenant_id, place.business_unit_id) {ours}
            ORDER BY tenant_id, business_unit_id LIMIT 1
        ) AS following
    )
"""
_ALL = "SELECT * FROM place"
_HIT = """
    SELECT DISTINCT hit.tenant_id, hit.business_unit_id, hit.customer_order_id FROM place, LATERAL (
        SELECT tenant_id, business_unit_id, customer_order_id FROM {table} AS one
        WHERE one.tenant_id = place.tenant_id AND one.business_unit_id = place.business_unit_id
            AND one.{column} = %(text)s
        LIMIT %(most)s
    ) AS hit LIMIT %(most)s
"""


def _with_correlation(text: str) -> models.QuerySet[OrderEvent]:
    """On PostgreSQL through ``order_event_by_hour_and_correlation``."""
    events: models.QuerySet[OrderEvent] = OrderEvent.objects.filter(correlation_id=text)
    if connection.vendor == "sqlite":
        return events
    oldest = OrderEvent.objects.order_by("pk").values_list("received_at", flat=True).first()
    if oldest is None:
        return events.none()
    with connection.cursor() as cursor:
        cursor.execute(_BY_HOUR, [_hours(oldest), text, MOST])
        return OrderEvent.objects.filter(pk__in=[row[0] for row in cursor.fetchall()])


_BY_HOUR = """
    SELECT id FROM orders_orderevent
    WHERE date_trunc('hour', received_at AT TIME ZONE 'UTC') = ANY(%s::timestamp[]) AND correlation_id = %s LIMIT %s
"""


def _hours(oldest: datetime) -> list[datetime]:
    """Every hour from the oldest event's on, without a zone, as the index has them."""
    now = DatabaseClock.recent().now()
    first = max(oldest, now - timedelta(days=OLDEST_DAYS)).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    count = int((now.replace(tzinfo=None) - first) / timedelta(hours=1)) + 2
    return [first + timedelta(hours=past) for past in range(count)]
