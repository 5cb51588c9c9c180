"""docs/reference/supplier-events.md#own-deliveries: a supplier looks at its webhook deliveries and repeats one."""

import ipaddress
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.db.models import F, Value
from django.utils import timezone

from orders.database import ids
from orders.database.clock import DatabaseClock
from orders.database.commit_order import Place, cursor_of
from orders.integrations.channels import RequiredDelivery
from orders.models import Delivery, Destination, Lane, OperatorAction
from orders.outbox import dispatcher
from orders.outbox.deliveries import NewDelivery, add_deliveries
from suppliers.throttles import ListsPerSupplier, RedeliveriesPerSupplier
from tests.api_fixtures import Api
from tests.orders.wire_server import answer, wire_server

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]
TOKEN = "7B9A6C54-1E2D-4C3B-8A79-6F5E4D3C2B1A"
HERE = "/api/events/v1/dk/external/acme/deliveries"


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [3600]


class Receiver:
    """A webhook that answers what the test says, next to the supplier's own caller of the API."""

    def __init__(self, server, supplier, token):
        self.server, self.supplier = server, supplier
        self.api = Api(token(supplier.api_client)["Authorization"].removeprefix("Bearer "))
        self.destination = Destination.objects.get(name=supplier.slug)

    def required(self, kind):
        return RequiredDelivery(self.destination.pk, kind, '{"a": 1}', reference=TOKEN)

    def add_delivery(self, *kinds, lane="order:1"):
        return [
            add_deliveries([NewDelivery(self.supplier.tenant_id, lane, self.required(kind),
                      customer_order_id="1001", sequence=number)])[0]
            for number, kind in enumerate(kinds, 1)
        ]  # fmt: skip

    def list(self, query=""):
        response = self.api.get(HERE + query)
        assert response.status_code == 200, response.content
        return json.loads(response.content)["deliveries"]

    def redeliver(self, delivery):
        return self.api.post(f"{HERE}/{getattr(delivery, 'pk', delivery)}:redeliver")

    def ids(self):
        return [line.split(b": ")[1].decode() for request in self.server.requests
                for line in request.split(b"\r\n") if line.lower().startswith(b"webhook-id")]  # fmt: skip


@pytest.fixture
def beans(tenant, add_supplier, token):
    said = ["202 Accepted"]
    with wire_server(lambda connection, _: connection.sendall(answer(status=said[0]))) as server:
        receiver = Receiver(server, add_supplier("beans", ["*"], url=server.url), token)
        receiver.said = said
        yield receiver


def test_a_delivery_is_listed_with_what_was_tried_and_what_came_back(beans):
    first, second = beans.add_delivery("order_created", "order_updated")
    beans.said[0] = "500 Sorry"
    dispatcher.deliver()
    one, two = beans.list()
    assert (one["id"], one["webhookId"]) == (str(first.pk), f"msg_{first.pk.hex}")
    assert (one["eventType"], one["orderToken"], one["sequence"], one["status"]) == (
        "order_created",
        TOKEN,
        1,
        "pending",
    )
    assert one["nextAttemptAt"].endswith("Z")
    assert "500" in one["error"]
    [attempt] = one["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["responseStatus"]) == (1, "unavailable", 500)
    assert (two["id"], two["attempts"], two["nextAttemptAt"], two["error"]) == (str(second.pk), [], None, None)


def test_the_list_is_narrowed_and_paged(beans):
    deliveries = beans.add_delivery("order_created", "order_updated", "order_updated")
    Delivery.objects.filter(pk=deliveries[1].pk).update(status="delivered", finished_at=timezone.now())
    assert [one["sequence"] for one in beans.list("?status=pending")] == [1, 3]
    soon = (timezone.now() + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    assert beans.list(f"?since={soon}") == []
    assert len(beans.list("?since=0001-01-01T00:00:00Z")) == 3
    page = json.loads(beans.api.get(f"{HERE}?take=2").content)
    assert ([one["sequence"] for one in page["deliveries"]], page["page"]["take"]) == ([1, 2], 2)
    assert [one["sequence"] for one in beans.list(f"?cursor={page['page']['next']}")] == [3]
    for wrong in ("?status=lost", "?since=yesterday", "?x=1", "?take=0"):
        assert beans.api.get(HERE + wrong).status_code == 400


def test_a_supplier_sees_and_sends_only_its_own(beans, add_supplier, token):
    [theirs] = beans.add_delivery("order_created")
    peas = Receiver(beans.server, add_supplier("peas", ["P-*"]), token)
    assert peas.list() == []
    for unknown in (theirs.pk, "nonsense", "0192f3a1-0000-7000-8000-000000000000"):
        assert peas.redeliver(unknown).status_code == 404
    assert beans.ids() == []


def test_a_delivered_event_is_sent_again_with_the_same_id(beans):
    [event] = beans.add_delivery("order_created")
    dispatcher.deliver()
    response = beans.redeliver(f"msg_{event.pk.hex}")
    assert (response.status_code, json.loads(response.content)["outcome"]) == (200, "pending")
    dispatcher.deliver()
    assert beans.ids() == [f"msg_{event.pk.hex}"] * 2
    event.refresh_from_db()
    assert (event.status, event.attempts) == ("delivered", 2)
    assert OperatorAction.objects.values_list("who", "action").get() == ("supplier beans", "redeliver")


def test_an_older_state_is_not_sent_after_a_newer_but_the_order_created_is(beans):
    created, older, newer = beans.add_delivery("order_created", "order_updated", "order_updated")
    dispatcher.deliver()
    assert beans.redeliver(older).status_code == 409
    assert beans.redeliver(newer).status_code == 200
    assert beans.redeliver(created).status_code == 200
    dispatcher.deliver()
    assert beans.ids()[3:] == [f"msg_{created.pk.hex}", f"msg_{newer.pk.hex}"]
    assert Lane.objects.get().due_at is None


def test_a_waiting_or_dead_event_is_sent_at_once(beans):
    [event] = beans.add_delivery("order_created")
    beans.said[0] = "500 Sorry"
    dispatcher.deliver()
    beans.said[0] = "202 Accepted"
    dispatcher.deliver()
    assert len(beans.ids()) == 1
    assert beans.redeliver(event).status_code == 200
    dispatcher.deliver()
    assert len(beans.ids()) == 2
    Delivery.objects.update(status="dead")
    Lane.objects.update(held_by=event.pk)
    assert beans.redeliver(event).status_code == 200
    dispatcher.deliver()
    assert len(beans.ids()) == 3
    assert Lane.objects.get().held_by is None


def test_what_was_set_aside_is_not_sent_again(beans):
    [event] = beans.add_delivery("order_created")
    Delivery.objects.update(status="discarded", finished_at=timezone.now())
    Lane.objects.update(due_at=None, done_position=1)
    assert beans.redeliver(event).status_code == 409
    assert Delivery.objects.get().status == "discarded"


def test_a_lane_under_way_is_busy(beans, monkeypatch):
    monkeypatch.setattr("orders.dead_letters.operations.BUSY_SECONDS", 0.05)
    [event] = beans.add_delivery("order_created")
    Lane.objects.update(lease=event.pk, due_at=DatabaseClock().now(30))
    assert beans.redeliver(event).status_code == 409


def test_both_are_throttled_with_retry_after(beans, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1_795_000_030.0)
    monkeypatch.setattr("orders.dead_letters.operations.BUSY_SECONDS", 0.0)
    allowed = {each: each.calls.most for each in (ListsPerSupplier, RedeliveriesPerSupplier)}
    assert allowed == {ListsPerSupplier: 60, RedeliveriesPerSupplier: 120}
    for each in allowed:  # on a busy machine so many take longer than their minute
        monkeypatch.setattr(each, "calls", replace(each.calls, most=3))
    for _ in range(3):
        beans.list()
    refused = beans.api.get(HERE)
    assert (refused.status_code, refused["Retry-After"]) == (429, "50")
    assert json.loads(refused.content)["type"] == "urn:orderhub:problem:throttled"
    for _ in range(3):
        assert beans.redeliver("nonsense").status_code == 404
    assert beans.redeliver("nonsense").status_code == 429


@pytest.mark.needs_postgres
def test_a_delivery_that_commits_late_is_found_from_an_earlier_cursor(beans):
    with added_late(beans):
        beans.add_delivery("order_created")
        before = page(beans)
    after = page(beans, f"?cursor={before['page']['next']}")
    assert sorted(ids_of(before) + ids_of(after)) == sorted(
        str(pk) for pk in Delivery.objects.values_list("pk", flat=True)
    )
    assert len(ids_of(before) + ids_of(after)) == 2


@pytest.mark.needs_postgres
def test_a_delivery_that_commits_late_is_found_since_the_newest_known_one(beans):
    """The late one was owed before the other, and by a transaction that was given its number after it."""
    with added_late(beans, numbered_late=True):
        beans.add_delivery("order_created")
        known = page(beans)["deliveries"]
    found = beans.list(f"?since={known[-1]['createdAt']}")
    assert [one["id"] for one in found] == [known[-1]["id"], str(Delivery.objects.get(kind="late").pk)]


@pytest.mark.needs_postgres
def test_a_delivery_of_a_host_whose_clock_is_behind_is_found_from_an_earlier_cursor(beans, monkeypatch):
    beans.add_delivery("order_created")
    before = page(beans)
    real = time.time_ns
    monkeypatch.setattr(ids.time, "time_ns", lambda: real() - 2_000_000_000)
    [late] = beans.add_delivery("order_updated", lane="order:2")
    monkeypatch.undo()
    assert ids_of(page(beans, f"?cursor={before['page']['next']}")) == [str(late.pk)]


def test_a_reader_that_follows_next_continues_at_the_end_too(beans):
    empty = page(beans)
    assert (empty["deliveries"], empty["page"]["hasMore"]) == ([], False)
    beans.add_delivery("order_created", "order_updated")
    first = page(beans, f"?take=1&cursor={empty['page']['next']}")
    second = page(beans, f"?take=1&cursor={first['page']['next']}")
    assert (first["page"]["hasMore"], second["page"]["hasMore"]) == (True, False)
    end = page(beans, f"?cursor={second['page']['next']}")
    assert (end["deliveries"], end["page"]["next"]) == ([], second["page"]["next"])
    assert beans.api.get(f"{HERE}?cursor=AZrM3tSfeAC3HhZ1dvRw3A").status_code == 400


def page(beans, query=""):
    return json.loads(beans.api.get(HERE + query).content)


def ids_of(page):
    return [one["id"] for one in page["deliveries"]]


@contextmanager
def added_late(beans, *, numbered_late=False):
    """One delivery of another session whose transaction stays open during the block."""
    ready, end = threading.Event(), threading.Event()

    def late():
        try:
            with transaction.atomic():
                if numbered_late:
                    moment = timezone.now()
                    ready.set()
                    assert end.wait(30)
                owed = RequiredDelivery(beans.destination.pk, "late", "{}", reference=TOKEN)
                [made] = add_deliveries(
                    [NewDelivery(beans.supplier.tenant_id, "order:late", owed, customer_order_id="late", sequence=1)]
                )
                if numbered_late:
                    Delivery.objects.filter(pk=made.pk).update(created_at=moment)
                ready.set()
                assert end.wait(30)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        owing = pool.submit(late)
        assert ready.wait(30)
        yield
        end.set()
        owing.result(30)


@pytest.mark.needs_postgres
def test_after_a_restore_on_another_server_the_list_goes_on(beans):
    """Its transactions have small numbers again, and the rows of the backup those of the server before."""
    known = beans.add_delivery("order_created", "order_updated")
    Delivery.objects.update(transaction=Value(2**40) + F("transaction"))
    place = cursor_of(Place(Delivery.objects.get(pk=known[1].pk).transaction, known[1].pk))
    assert ids_of(page(beans)) == []
    call_command("migrate", verbosity=0)
    [new] = beans.add_delivery("order_updated")
    every = [str(one.pk) for one in (*known, new)]
    assert ids_of(page(beans)) == every
    assert ids_of(page(beans, f"?cursor={place}")) == every  # the last hour again, none is skipped
    call_command("migrate", verbosity=0)
    assert ids_of(page(beans)) == every


@pytest.mark.needs_postgres
def test_a_migration_of_a_running_hub_leaves_the_order_of_its_rows(beans):
    beans.add_delivery("order_created", "order_updated")
    numbers = list(Delivery.objects.order_by("pk").values_list("transaction", flat=True))
    call_command("migrate", verbosity=0)
    assert list(Delivery.objects.order_by("pk").values_list("transaction", flat=True)) == numbers
    assert all(numbers)
