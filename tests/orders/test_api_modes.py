"""docs/reference/api.md#modes: every address by mode by method, with its exact Allow header."""

import json

import pytest

from orders.models import OrderEvent, Tenant
from tests.bodies import body

pytestmark = [pytest.mark.django_db, pytest.mark.both]

UNIT = "/api/v1/business-units/store-1"
EVENT = "/api/v1/order-events/0192f3a1-0000-7000-8000-000000000000"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

PROXY = {
    f"{UNIT}/customer-orders/1001": "GET, HEAD",
    f"{UNIT}/customer-orders:search": "POST",
    f"{UNIT}/customer-orders%3Asearch": "POST",
    "/api/v1/proxy-config": "GET, HEAD, PUT",
    "/api/v1/proxy-config/drift": "GET, HEAD",
    "/api/v1/order-events": "GET, HEAD",
    EVENT: "GET, HEAD",
    f"{EVENT}:preview": "",
    f"{EVENT}:retry": "",
    f"{EVENT}:discard": "",
    f"{EVENT}%3Aretry": "",
    f"{UNIT}/customer-orders": "",
    f"{UNIT}/customer-orders/1001/fulfilment": "",
    f"{UNIT}/customer-orders/": "",
    f"{UNIT}": "",
    "/api/v1/stock?itemId=a": "",
    "/api/v1/customer-orders:load": "",
    "/api/v1/migration/orders": "",
    "/api/v1/orderflow-channels/main/products/BEAN-1": "",
    "/api/v1/nowhere": "",
    "/api/v1/": "",
    f"{EVENT}/": "",
    f"{EVENT}:undo": "",
}
MIGRATING = PROXY | {
    f"{UNIT}/customer-orders/1001": "GET, HEAD, PUT",
    "/api/v1/customer-orders:load": "POST",
    "/api/v1/migration/orders": "POST",
    f"{EVENT}:preview": "POST",
    f"{EVENT}:retry": "POST",
    f"{EVENT}:discard": "POST",
    f"{EVENT}%3Aretry": "POST",
    "/api/v1/orderflow-channels/main/products/BEAN-1": "GET, HEAD, PUT",
}
OPEN_IN_EVERY_MODE = ("/api/Orders", "/api/events/v1/dk/external/acme/send", "/api/events/v1/dk/external/acme/receive")


@pytest.mark.parametrize("scoped", [True, False])
@pytest.mark.parametrize(("mode", "table"), [("proxy", PROXY), ("migrating", MIGRATING)])
def test_what_does_not_answer_in_the_mode_is_405_whatever_the_scope(make_tenant, sign_in, mode, table, scoped):
    caller = sign_in(make_tenant("acme", mode), scopes=None if scoped else [])
    for target, allow in table.items():
        for method in METHODS:
            response = caller.call(method, target)
            if method in allow.split(", "):
                assert response.status_code != 405, (method, target)
                continue
            assert (response.status_code, response["Allow"]) == (405, allow), (method, target)
            if method != "HEAD":
                assert json.loads(response.content)["type"] == "urn:orderhub:problem:proxy-mode", (method, target)


@pytest.mark.parametrize("mode", ["proxy", "migrating", "events"])
@pytest.mark.parametrize("target", OPEN_IN_EVERY_MODE)
def test_suppliers_addresses_answer_in_every_mode(make_tenant, sign_in, mode, target):
    caller = sign_in(make_tenant("acme", mode, country="dk"))
    statuses = {caller.call(method, target).status_code for method in ("GET", "POST")}
    assert 405 not in statuses or 403 in statuses
    assert statuses <= {403, 404, 405}


def test_in_events_mode_no_answer_says_proxy_mode(api):
    for target in PROXY:
        for method in METHODS:
            assert b"problem:proxy-mode" not in api.call(method, target).content


def test_a_405_of_the_mode_accepts_nothing(make_tenant, sign_in):
    caller = sign_in(make_tenant("acme", "proxy"))
    assert caller.put(f"{UNIT}/customer-orders/1001", body()).status_code == 405
    assert not OrderEvent.objects.exists()


def test_a_migrating_tenants_put_is_accepted(make_tenant, sign_in):
    caller = sign_in(make_tenant("acme", "migrating"))
    assert caller.put(f"{UNIT}/customer-orders/1001", body()).status_code == 202


def test_events_accepted_before_a_switch_to_proxy_are_applied_and_their_status_can_be_asked(api, acme, apply_all):
    event = json.loads(api.put(f"{UNIT}/customer-orders/1001", body()).content)["eventId"]
    Tenant.objects.filter(pk=acme.pk).update(mode="proxy", external_url="https://oms.example.com/api/v1")
    apply_all()
    assert json.loads(api.get(f"/api/v1/order-events/{event}").content)["status"] == "applied"


def test_a_stopped_tenants_events_wait_unattempted_and_go_on_when_it_is_active_again(api, acme, apply_all):
    api.put(f"{UNIT}/customer-orders/1001", body())
    Tenant.objects.filter(pk=acme.pk).update(active=False)
    apply_all()
    event = OrderEvent.objects.get()
    assert (event.status, event.attempts) == ("pending", 0)
    Tenant.objects.filter(pk=acme.pk).update(active=True)
    apply_all()
    event.refresh_from_db()
    assert event.status == "applied"
