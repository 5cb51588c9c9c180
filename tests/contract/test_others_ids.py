"""An id of another tenant's is answered as one that nobody has: the same bytes, the same queries, the same time."""

from __future__ import annotations

import re
import statistics
import time
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.access.throttle import Throttle
from orders.inbox.stored_orders import StoredOrders
from orders.models import OrderEvent
from suppliers.models import Supplier
from tests.api_fixtures import SECRET, Api
from tests.bodies import body
from tests.contract.world import furnish

pytestmark = pytest.mark.django_db

PAIRS = 20
OWN, WALL = (time.thread_time, 0.0005), (time.perf_counter, 0.004)
"""A clock and how far apart the lower quartiles may be by it, beside SHARE: this thread's own time, in which a refusal
takes 2 to 10 ms, and the wall's, to which a busy machine adds. Hashing a secret, the dearest work that could differ,
takes 2.5 ms."""
SHARE = 0.15
TRIES = 3
"""Noise is not the same three times, a leak is."""
UNIT = "/api/v1/business-units/store-1"
REPORT = {
    "eventType": "order_status_updated",
    "payloadVersion": "1",
    "timestamp": "2026-11-20T08:46:36Z",
    "status": "a",
}


class Scene:
    def __init__(self, tenant, supplier, *, theirs):
        self.tenant, self.supplier, self.theirs = tenant, supplier, theirs


@pytest.fixture
def scene(make_tenant, make_client, make_token, apply_all, settings):
    """What acme's callers may ask, and bolt's ids."""
    settings.HUB_FAULT_INJECTION = True
    settings.HUB_RECEIVE_HOLD_SECONDS = 0
    made = {}
    for slug, order in (("acme", "1001"), ("bolt", "2002")):
        tenant = make_tenant(slug, country="dk", event_retry_schedule=[0])
        supplier, client = make_client(tenant, f"{slug}-supplier", kind="supplier"), make_client(tenant, f"{slug}-till")
        tokens = make_token(client), make_token(supplier)
        made[slug] = (furnish(tenant, order=order, supplier=supplier, token=tokens[0], apply_all=apply_all), tokens)
    tokens = made["acme"][1]
    return Scene(Api(tokens[0]), Api(tokens[1]), theirs=made["bolt"][0])


def asked_as_tenant(method, target, sent=None):
    return lambda scene, one, **more: scene.tenant.call(method, target.format(one), sent, **more)


def asked_as_supplier(method, target, sent=None):
    return lambda scene, one, **more: scene.supplier.call(method, target.format(one), sent, **more)


def report_of(scene, one, *, headers, **more):
    told = headers | {"Event-Type": "order_status_updated"}
    return scene.supplier.post(
        "/api/events/v1/dk/external/acme/send", REPORT | {"orderToken": one}, headers=told, **more
    )


def named_tenant(scene, one, *, headers, **more):
    return scene.tenant.get(f"{UNIT}/customer-orders/1001", headers=headers | {"Tenant-Id": one}, **more)


def signed_in(scene, one, **more):
    form = f"grant_type=client_credentials&client_id={one}&client_secret=not-{SECRET}".encode()
    return Api().post("/oauth2/token", form, content_type="application/x-www-form-urlencoded", **more)


EVENT = "/api/v1/order-events/{}"
PRODUCT = "/api/v1/orderflow-channels/{}/products/BEAN-1"
PROBES = {
    "an order": (asked_as_tenant("GET", UNIT + "/customer-orders/{}"), "order", "2003", 404),
    "its fulfilment": (asked_as_tenant("GET", UNIT + "/customer-orders/{}/fulfilment"), "order", "2003", 404),
    "an event": (asked_as_tenant("GET", EVENT), "event", None, 404),
    "a preview": (asked_as_tenant("POST", EVENT + ":preview"), "event", None, 404),
    "a retry": (asked_as_tenant("POST", EVENT + ":retry"), "event", None, 404),
    "a discarding": (asked_as_tenant("POST", EVENT + ":discard"), "event", None, 404),
    "a product": (asked_as_tenant("GET", PRODUCT), "main-bolt", "main-bold", 404),
    "a new product": (asked_as_tenant("PUT", PRODUCT, {"description": "d"}), "main-bolt", "main-bold", 404),
    "a part": (asked_as_supplier("GET", "/api/Orders?ExternalId={}"), "part", None, 404),
    "a delivery": (
        asked_as_supplier("POST", "/api/events/v1/dk/external/acme/deliveries/{}:redeliver"), "delivery", None, 404,
    ),
    "a report's order": (report_of, "part", None, 404),
    "a tenant's feed": (asked_as_supplier("GET", "/api/events/v1/dk/external/{}/receive"), "slug", "bold", 404),
    "a tenant's name": (named_tenant, "slug", "bold", 403),
    "a client's name": (signed_in, "bolt-till", "bolt-tilt", 401),
}  # fmt: skip
"""What is asked, an id of the other tenant (or its name in a furnished one), one that nobody has, and the answer."""


@pytest.fixture
def _never_too_often(monkeypatch):
    """A busy machine makes more tries in a minute than a caller may: all are counted, and none is refused."""
    counted = Throttle.count
    monkeypatch.setattr(Throttle, "count", lambda self, caller: min(counted(self, caller), 1))


@pytest.fixture(params=PROBES)
def probe(request, scene, _never_too_often):
    """Asks for theirs (True) or for nobody's (False)."""
    ask, known, nobodys, status = PROBES[request.param]
    ids = {True: scene.theirs.ids.get(known, known), False: nobodys or str(uuid4())}
    number = iter(range(10_000))

    def once(theirs):
        place = next(number)
        address = f"198.51.{place // 250}.{place % 250}"  # failures are counted by address
        answer = ask(scene, ids[theirs], headers={"Correlation-Id": "same"}, REMOTE_ADDR=address)
        assert answer.status_code == status, answer.content
        return answer

    return once


def queries(probe, theirs):
    with CaptureQueriesContext(connection) as captured:
        probe(theirs)
    return [re.sub(r"'[^']*'|\b\d+\b", "?", query["sql"]) for query in captured]


def test_the_answer_and_the_queries_are_the_same(probe):
    probe(theirs=True), probe(theirs=False)  # the token is remembered from here on
    theirs, nobodys = probe(theirs=True), probe(theirs=False)
    assert theirs.content == nobodys.content
    assert dict(theirs.items()) == dict(nobodys.items())
    assert queries(probe, True) == queries(probe, False)


def leaks(probe, measure):
    """Whether theirs takes another time than nobody's, by interleaved requests, each time that it is tried."""
    return all(is_apart(probe, *measure) for _ in range(TRIES))


def is_apart(probe, clock, allowed):
    took = {True: [], False: []}
    for number in range(2 * PAIRS):
        theirs = number % 2 == (number // 2) % 2
        began = clock()
        probe(theirs)
        took[theirs].append(clock() - began)
    theirs, nobodys = (statistics.quantiles(times, n=4)[0] for times in took.values())
    return abs(theirs - nobodys) > allowed + SHARE * nobodys


def test_the_time_is_the_same_within_noise(probe):
    probe(theirs=True), probe(theirs=False)
    assert not leaks(probe, OWN)
    assert not leaks(probe, WALL)


def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


@pytest.mark.parametrize("probe", ["an order"], indirect=True)
def test_a_planted_difference_is_seen_by_both_clocks(probe, scene, monkeypatch):
    """Were theirs slower by two hashes of a secret, or by a slow query, the test above would fail."""
    honest = StoredOrders.get

    def leaking(self, tenant, unit, order_id):
        if order_id == scene.theirs.order:
            burn(0.005)
            time.sleep(0.02)
        return honest(self, tenant, unit, order_id)

    monkeypatch.setattr(StoredOrders, "get", leaking)
    assert leaks(probe, OWN)
    assert leaks(probe, WALL)


def test_nothing_of_the_others_was_changed_by_asking(scene):
    for ask, known, _, _ in PROBES.values():
        ask(scene, scene.theirs.ids.get(known, known), headers={})
    theirs = OrderEvent.objects.filter(tenant=scene.theirs.tenant)
    assert sorted(theirs.values_list("status", flat=True)) == ["applied", "dead", "dead"]
    assert Supplier.objects.get(tenant=scene.theirs.tenant).events.count() == 0
    assert scene.tenant.put(f"{UNIT}/customer-orders/2002", body("2002")).status_code == 202
    assert theirs.count() == 3
