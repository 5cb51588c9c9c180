"""docs/reference/api.md#probes: alive, ready, moving, figures; and whose word about the caller counts."""

import ipaddress
import json
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import RequestFactory
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from config import gunicorn
from config.forwarded import ForwardedHeaders
from orders.access.sealing import store_secret
from orders.api import probes
from orders.models import Destination, Lane, OrderQueue, Tenant
from tests.api_fixtures import Api
from tests.bodies import body
from tests.orders.test_api_checks import problem

pytestmark = [pytest.mark.django_db, pytest.mark.both]

ORDER = "/api/v1/business-units/store-1/customer-orders/1001"
OUTSIDE = "203.0.113.7"


def ask(target, **environ):
    response = Api().get(target, **environ)
    return response.status_code, json.loads(response.content)


# --- alive and ready ------------------------------------------------------------------------------------------------


def test_a_live_process_answers_without_a_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert ask("/livez") == (200, {"status": "alive"})


def test_a_process_with_database_schema_and_keys_is_ready(acme):
    store_secret(tenant_id=acme.pk, kind="k", owner="o:1", value="v")
    assert ask("/readyz") == (200, {"status": "ready"})


def test_a_process_with_other_keys_is_not_ready(acme, settings):
    store_secret(tenant_id=acme.pk, kind="k", owner="o:1", value="v")
    settings.HUB_ENCRYPTION_KEYS = (("other", b"x" * 32),)
    assert ask("/readyz") == (503, {"status": "not ready", "failing": ["keys"]})


def test_a_database_that_is_not_migrated_is_not_ready(db):
    MigrationRecorder.Migration.objects.filter(app="orders").delete()
    assert ask("/readyz") == (503, {"status": "not ready", "failing": ["schema"]})


def test_without_a_database_only_the_database_is_named(db, monkeypatch):
    def away():
        raise OperationalError("connection refused")

    monkeypatch.setattr(probes, "_database", away)
    assert ask("/readyz") == (503, {"status": "not ready", "failing": ["database"]})
    monkeypatch.setattr(probes, "oldest_due", away)
    assert ask("/healthz") == (503, {"status": "unknown"})
    problem(Api().get("/metrics"), "unavailable", 503)


@pytest.mark.parametrize("target", ["/livez", "/readyz", "/healthz", "/metrics", "/schemas/v1/openapi.json"])
def test_probes_answer_get_and_head_only(db, target):
    assert Api().call("HEAD", target).content == b""
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        response = Api().call(method, target)
        problem(response, "method-not-allowed", 405)
        assert response["Allow"] == "GET, HEAD"


# --- moving ---------------------------------------------------------------------------------------------------------


def due_since(seconds, model=OrderQueue):
    model.objects.filter(due_at__isnull=False).update(due_at=timezone.now() - timedelta(seconds=seconds))


@pytest.fixture
def lane(acme):
    destination = Destination.objects.create(tenant=acme, channel="supplier", name="beans")
    return Lane.objects.create(
        destination=destination, key="order:1", tenant=acme, last_position=1, due_at=timezone.now()
    )


def test_nothing_due_is_moving(db):
    ages = {"events": None, "deliveries": None}
    assert ask("/healthz") == (200, {"status": "moving", "limitSeconds": 60.0, "oldestDueSeconds": ages})


def test_the_age_is_that_of_the_oldest_due_row_of_each_kind(api, lane):
    api.put(ORDER, body())
    due_since(10)
    due_since(20, Lane)
    status, found = ask("/healthz")
    assert (status, found["status"]) == (200, "moving")
    assert found["oldestDueSeconds"]["events"] == pytest.approx(10, abs=2)
    assert found["oldestDueSeconds"]["deliveries"] == pytest.approx(20, abs=2)


@pytest.mark.parametrize("model", [OrderQueue, Lane])
def test_a_due_row_older_than_the_limit_is_red(api, lane, model):
    api.put(ORDER, body())
    due_since(61, model)
    status, found = ask("/healthz")
    assert (status, found["status"]) == (503, "stuck")


def test_a_retry_that_has_not_come_due_is_no_delay(api):
    api.put(ORDER, body())
    due_since(-600)
    assert ask("/healthz")[1]["oldestDueSeconds"]["events"] is None


def test_pending_work_of_a_stopped_tenant_is_not_late(api, lane):
    api.put(ORDER, body())
    due_since(600)
    due_since(600, Lane)
    Tenant.objects.update(active=False)
    assert ask("/healthz")[0] == 200


@pytest.mark.parametrize(
    "held",
    [
        {"active": False},
        {"state": "paused", "state_reason": "by hand"},
        {"state": "stopped", "state_reason": "wrong password"},
        {"open_seconds": 15.0},
        {"waits_until": timezone.now() + timedelta(hours=1)},
    ],
)
def test_what_is_held_for_a_destination_is_not_late(lane, held):
    due_since(600, Lane)
    assert ask("/healthz")[0] == 503
    Destination.objects.update(**held)
    assert ask("/healthz")[0] == 200


# --- who may see ----------------------------------------------------------------------------------------------------


def test_from_outside_health_is_a_word_and_figures_are_401(db):
    assert ask("/healthz", REMOTE_ADDR=OUTSIDE) == (200, {"status": "moving"})
    response = Api().get("/metrics", REMOTE_ADDR=OUTSIDE)
    problem(response, "not-authenticated", 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_the_metrics_token_opens_the_details(db, settings):
    settings.HUB_METRICS_TOKEN = "figures-please"
    for header, status in (
        ("Bearer figures-please", 200),
        ("Bearer wrong", 401),
        ("Basic figures-please", 401),
        ("", 401),
    ):
        response = Api().get("/metrics", REMOTE_ADDR=OUTSIDE, headers={"Authorization": header})
        assert response.status_code == status
    found = ask("/healthz", REMOTE_ADDR=OUTSIDE, headers={"Authorization": "Bearer figures-please"})[1]
    assert "oldestDueSeconds" in found


def test_an_empty_metrics_token_opens_nothing(db, settings):
    settings.HUB_METRICS_TOKEN = ""
    assert Api().get("/metrics", REMOTE_ADDR=OUTSIDE, headers={"Authorization": "Bearer "}).status_code == 401


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback_sees_the_details(db, address):
    assert Api().get("/metrics", REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize("address", ["", "localhost", "10.0.0.1", "::", "0.0.0.0", "::ffff:10.0.0.1"])
def test_nobody_else_does(db, address):
    assert Api().get("/metrics", REMOTE_ADDR=address).status_code == 401


def test_what_a_proxy_on_this_machine_forwards_is_not_loopback(db):
    assert Api().get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
    assert Api().get("/metrics", headers={"Forwarded": "for=127.0.0.1"}).status_code == 401


def test_what_a_trusted_proxy_forwards_is_never_loopback(db, settings):
    settings.HUB_TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.0/8")]
    for headers in (
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Host": "localhost"},
    ):
        assert Api().get("/metrics", headers=headers).status_code == 401


def test_behind_a_trusted_proxy_the_real_caller_is_judged(db, settings):
    settings.HUB_TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.0/8")]
    assert Api().get("/metrics", headers={"X-Forwarded-For": OUTSIDE}).status_code == 401
    assert Api().get("/metrics", headers={"X-Forwarded-For": f"127.0.0.1, {OUTSIDE}"}).status_code == 401
    assert Api().get("/metrics", headers={"X-Forwarded-For": "nonsense"}).status_code == 401


# --- figures --------------------------------------------------------------------------------------------------------


def test_figures_are_prometheus_text_read_from_the_rows(api, lane, apply_all, faults):
    Tenant.objects.update(event_retry_schedule=[0])
    api.put(ORDER.replace("1001", "fault-always-1"), body("fault-always-1"))
    apply_all()
    api.put(ORDER, body())
    due_since(10)
    Destination.objects.create(tenant=lane.tenant, channel="orderflow", name="main", open_seconds=15.0)
    response = Api().get("/metrics")
    assert response["Content-Type"].startswith("text/plain")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }
    assert found.pop(("orderhub_oldest_due_seconds", "events")) == pytest.approx(10, abs=2)
    assert found.pop(("orderhub_oldest_due_seconds", "deliveries")) >= 0
    assert found == {
        ("orderhub_owed_lines", "events"): 1,
        ("orderhub_owed_lines", "deliveries"): 1,
        ("orderhub_dead", "events"): 1,
        ("orderhub_dead", "deliveries"): 0,
        ("orderhub_destinations", "supplier", "running"): 1,
        ("orderhub_destinations", "orderflow", "breaker_open"): 1,
    }


# --- HUB_TRUSTED_PROXIES --------------------------------------------------------------------------------------------


def seen(**headers):
    """What the hub takes for caller, scheme and host."""
    meta = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    requests = []
    ForwardedHeaders(requests.append)(RequestFactory().get("/", REMOTE_ADDR="10.0.0.2", **meta))
    (request,) = requests
    assert not [name for name in request.META if "FORWARDED" in name and name.startswith("HTTP_")]
    return request.META["REMOTE_ADDR"], request.scheme, request.get_host()


@pytest.fixture
def proxies(settings):
    settings.HUB_TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]
    settings.ALLOWED_HOSTS = ["*"]


def test_a_stranger_is_not_believed(settings):
    settings.ALLOWED_HOSTS = ["*"]
    headers = {"x_forwarded_for": "1.1.1.1", "x_forwarded_proto": "https", "x_forwarded_host": "evil.test"}
    assert seen(**headers) == ("10.0.0.2", "http", "testserver")


def test_the_server_leaves_forwarded_headers_to_the_hub():
    """gunicorn believes X-Forwarded-Proto and SCRIPT_NAME from loopback unless told otherwise."""
    assert gunicorn.forwarded_allow_ips == ""


def test_a_trusted_proxy_is_believed(proxies):
    headers = {"x_forwarded_for": OUTSIDE, "x_forwarded_proto": "https", "x_forwarded_host": "hub.example.com"}
    assert seen(**headers) == (OUTSIDE, "https", "hub.example.com")


@pytest.mark.parametrize(
    ("chain", "caller"),
    [
        (f"1.1.1.1, {OUTSIDE}", OUTSIDE),
        (f"1.1.1.1, {OUTSIDE}, 10.0.0.3", OUTSIDE),
        ("10.0.0.9, 10.0.0.3", "10.0.0.9"),
        (f"{OUTSIDE}:4711", OUTSIDE),
        ("[2001:db8::1]:4711, fd00::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", OUTSIDE),
        ("unknown", ""),
        (f"{OUTSIDE}, evil", ""),
        ("", ""),
    ],
)
def test_the_caller_is_the_last_address_that_is_no_proxys(proxies, chain, caller):
    assert seen(x_forwarded_for=chain)[0] == caller


def test_the_nearest_proxys_word_counts(proxies):
    headers = {"x_forwarded_proto": "https, http", "x_forwarded_host": "evil.test, hub.example.com"}
    assert seen(**headers)[1:] == ("http", "hub.example.com")
    assert seen(x_forwarded_proto="gopher")[1] == "http"
