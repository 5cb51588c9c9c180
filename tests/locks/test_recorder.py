"""The recorder finds what is planted, and only that."""

from __future__ import annotations

import re
import threading

import pytest
from django.db import connections, transaction

from orders.integrations.channels import RequiredDelivery
from orders.models import Delivery, Destination, Lane, SelfTest
from orders.outbox.deliveries import NewDelivery, add_deliveries
from tests.locks.plugin import pytest_runtest_call
from tests.locks.recorder import RECORDER, ROOT

pytestmark = [pytest.mark.needs_postgres, pytest.mark.django_db]

PLANTED = """
from django.db import transaction
from orders.models import Delivery, Destination, Lane, SelfTest
from orders.outbox import deliveries

def taken(*rows):
    with transaction.atomic():
        for each in rows:
            list(each)

def undone(rows, more):
    with transaction.atomic():
        try:
            with transaction.atomic():
                list(rows)
                raise LookupError
        except LookupError:
            pass
        list(more)

def updated(rows):
    with transaction.atomic():
        rows.update(losses=0)

def added(rows, new):
    with transaction.atomic():
        list(rows)
        deliveries.add_deliveries(new)
"""


@pytest.fixture
def hub():
    """Code that the recorder takes for the hub's."""
    names = {}
    exec(compile(PLANTED, str(ROOT / "orders" / "planted.py"), "exec"), names)
    RECORDER.take()
    yield type("Hub", (), {name: staticmethod(names[name]) for name in ("taken", "undone", "updated", "added")})
    RECORDER.take()


def new_deliveries(destination, *keys):
    return [
        NewDelivery(destination.tenant_id, key, RequiredDelivery(destination.pk, "told", payload="{}")) for key in keys
    ]


@pytest.fixture
def destination(engine):
    return Destination.objects.create(tenant=engine.tenant, channel="fake", name="beans")


@pytest.fixture
def lanes(destination):
    add_deliveries(new_deliveries(destination, "order:1", "order:2"))
    return Lane.objects.order_by("pk")


def lines(found):
    """Without the numbers of lines."""
    return [re.sub(r":\d+\)", ")", words) for words in found]


def test_a_transaction_that_a_test_opens_is_none_of_the_hubs(hub, lanes, destination):
    with transaction.atomic():
        hub.taken(Lane.locked())
        hub.taken(Destination.locked())
    assert RECORDER.take() == []
    with transaction.atomic():
        hub.taken(Lane.locked(), Destination.locked())
    assert lines(RECORDER.take()) == [INVERTED]


INVERTED = "orders_destination (orders/planted.py) is locked after orders_lane (orders/planted.py)"


def test_an_inversion_is_found_and_the_right_order_is_not(hub, lanes, destination):
    hub.taken(Destination.locked(), Lane.locked())
    assert RECORDER.take() == []
    hub.taken(Lane.locked(), Destination.locked())
    assert lines(RECORDER.take()) == [INVERTED]


def test_a_test_with_an_inversion_fails(hub, lanes, destination):
    running = pytest_runtest_call(None)
    next(running)
    hub.taken(Lane.locked(), Destination.locked())
    with pytest.raises(pytest.fail.Exception, match=r"orders_destination .* is locked after orders_lane"):
        running.send(None)


def test_what_is_skipped_where_it_is_locked_cannot_wait_but_others_wait_for_it(hub, lanes, destination):
    hub.taken(Lane.locked(), Destination.objects.select_for_update(skip_locked=True))
    assert RECORDER.take() == []
    hub.taken(Lane.locked(skip_locked=True), Destination.locked())
    assert lines(RECORDER.take()) == [INVERTED]


def test_statements_below_djangos_cursors_are_seen(hub, lanes, destination):
    more = Delivery.objects.select_for_update().order_by("pk")
    hub.added(more, new_deliveries(destination, "order:1"))
    assert lines(RECORDER.take()) == [
        "orders_lane (orders/outbox/deliveries.py) is locked after orders_delivery (orders/planted.py)"
    ]


def test_several_rows_are_locked_in_an_order_and_together(hub, lanes, destination):
    one, two = lanes
    hub.updated(Lane.objects.filter(key__startswith="order"))
    assert lines(RECORDER.take()) == ["several rows of orders_lane (orders/planted.py) are locked in no order"]
    hub.taken(Lane.locked().filter(pk=two.pk), Lane.locked().filter(pk=one.pk))
    assert lines(RECORDER.take()) == [
        "more rows of orders_lane (orders/planted.py) are locked after those of orders_lane (orders/planted.py)"
    ]
    hub.taken(Lane.locked(), Lane.locked().filter(pk=one.pk))
    assert RECORDER.take() == []


def test_new_rows_of_an_insert_are_in_the_order_of_its_key(hub, lanes, destination):
    hub.added([], new_deliveries(destination, "order:2", "order:1"))
    assert RECORDER.take() == []


def test_what_an_undone_savepoint_held_is_free(hub, lanes, destination):
    hub.undone(Lane.locked(), Destination.locked())
    assert RECORDER.take() == []


def test_a_table_without_a_place_is_named(hub, lanes, destination):
    SelfTest.objects.create(tenant=destination.tenant, who="ada", ms=1, failed=0)
    tests = SelfTest.objects.select_for_update().order_by("pk")
    hub.taken(tests.all())
    assert RECORDER.take() == []
    hub.taken(tests.all(), Lane.locked())
    assert [words.split(" (")[0] for words in RECORDER.take()] == ["orders_selftest"]


@pytest.mark.django_db(transaction=True)
def test_the_connection_of_another_thread_is_watched(hub, lanes, destination):
    def elsewhere():
        try:
            hub.taken(Lane.locked(), Destination.locked())
        finally:
            connections.close_all()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert lines(RECORDER.take()) == [INVERTED]
