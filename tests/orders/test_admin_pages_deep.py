"""Lists of evidence at a size nobody pages through: what waits is found by who is due longest, pages by their ids."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.admin.dead_letters import verbs
from orders.admin.deliveries import deliveries
from orders.admin.orders import orders
from orders.models import Delivery, Lane, Tenant
from tests.engine_fixtures import Engine
from tests.orders.outbox import REJECTED, Outbox

pytestmark = [pytest.mark.django_db, pytest.mark.both]

EVENTS, DELIVERIES = "/admin/orders/orderevent/", "/admin/orders/delivery/"


def shown(client, url):
    """Ids of the rows of a list, in its order."""
    return [row.pk for row in client.get(url).context["cl"].result_list]


def asked(client, url):
    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    return [one["sql"] for one in queries]


def test_a_later_page_shows_what_the_first_would_go_on_with(root, engine, monkeypatch):
    from orders.admin.orders.orders import OrderEventAdmin

    monkeypatch.setattr(OrderEventAdmin, "list_per_page", 4)
    made = [engine.put(f"order-{number}").pk for number in range(10)][::-1]
    assert [shown(root, f"{EVENTS}?p={page}") for page in (1, 2, 3)] == [made[:4], made[4:8], made[8:]]


def test_what_lies_before_a_page_is_stepped_over_without_its_neighbours(root, engine, monkeypatch):
    from orders.admin.orders.orders import OrderEventAdmin

    monkeypatch.setattr(OrderEventAdmin, "list_per_page", 2)
    for number in range(5):
        engine.put(f"order-{number}")
    stepping = [sql for sql in asked(root, f"{EVENTS}?p=2") if "OFFSET 2" in sql]
    assert len(stepping) == 1
    assert "JOIN" not in stepping[0]


@pytest.fixture
def few(monkeypatch):
    for module in (verbs, orders, deliveries):
        monkeypatch.setattr(module, "ORDERS_WAITING", 2)


def test_pending_events_are_those_of_the_orders_due_longest(root, engine, few):
    made = [engine.put(f"order-{number}").pk for number in range(4)]
    assert shown(root, f"{EVENTS}?status=pending") == [made[1], made[0]]


def test_a_tenants_pending_events_are_not_hidden_by_anothers(root, engine, few):
    for number in range(3):
        engine.put(f"order-{number}")
    other = Engine(Tenant.objects.create(slug="bolt", name="Bolt", mode="events"))
    late = other.put("order-of-bolt").pk
    assert shown(root, f"{EVENTS}?status=pending&of={other.tenant.pk}") == [late]
    assert late not in shown(root, f"{EVENTS}?status=pending")


def test_a_bound_login_is_not_hidden_either(bound, engine, few):
    for number in range(3):
        engine.put(f"order-{number}")
    other = Engine(Tenant.objects.get(slug="bolt"))
    late = other.put("order-of-bolt").pk
    assert shown(bound, f"{EVENTS}?status=pending") == [late]


def test_pending_deliveries_are_those_due_and_those_that_a_dead_one_holds(root, engine):
    held, free = Outbox(engine.tenant, order_id="1"), Outbox(engine.tenant, order_id="2")
    held.add_delivery("order_created")
    dead = held.send(REJECTED)
    Lane.objects.filter(pk=held.lane.pk).update(held_by=dead, due_at=None)
    held.add_delivery("order_updated")
    free.add_delivery("order_created")
    assert held.lane.due_at is None
    waiting = Delivery.objects.filter(status="pending").order_by("-pk").values_list("pk", flat=True)
    assert len(waiting) == 2
    assert shown(root, f"{DELIVERIES}?status=pending") == list(waiting)


@pytest.mark.parametrize("question", ["", "?status=applied", "?status=dead", "?status=pending", "?p=2"])
def test_a_list_of_events_asks_the_same_of_many_rows_as_of_few_and_counts_none(root, engine, monkeypatch, question):
    from orders.admin.orders.orders import OrderEventAdmin

    monkeypatch.setattr("orders.database.clock.RECENT_SECONDS", 3600)
    monkeypatch.setattr(OrderEventAdmin, "list_per_page", 2)
    page = EVENTS + question
    put_and_apply(engine, range(4))
    asked(root, page)
    few = asked(root, page)
    put_and_apply(engine, range(4, 24))
    many = asked(root, page)
    assert len(many) == len(few) <= 8
    assert [sql for sql in many if "COUNT(" in sql.upper()] == []


def put_and_apply(engine, numbers):
    """The last of them stays pending."""
    for number in numbers[:-1]:
        engine.put(f"order-{number}")
    engine.drain()
    engine.put(f"order-{numbers[-1]}")
