"""docs/reference/api.md#events: the fate of events, the reconciling list, and the verbs on dead ones."""

import base64
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import connections, transaction

from orders.database import ids
from orders.inbox.bulk_reception import Received, accept_all
from orders.models import OperatorAction, OrderEvent
from tests.bodies import body
from tests.orders.test_api_checks import problem

pytestmark = [pytest.mark.django_db, pytest.mark.both]

EVENTS = "/api/v1/order-events"
MEMBERS = {
    "eventId", "sequence", "customerOrderId", "businessUnitId", "status", "changed", "attempts", "receivedAt",
    "nextAttemptAt", "finishedAt", "error", "waitingBehind", "supersededBy", "correlationId",
    "warnings",
}  # fmt: skip


@pytest.fixture
def acme(make_tenant):
    """Every failing event is dead after one retry."""
    return make_tenant("acme", event_retry_schedule=[0])


@pytest.fixture
def put(api):
    def send(order_id="1001", unit="store-1", **members):
        target = f"/api/v1/business-units/{unit}/customer-orders/{quote(order_id)}"
        return json.loads(api.put(target, body(order_id, **members)).content)["eventId"]

    return send


@pytest.fixture
def dead(put, apply_all, faults):
    """An event whose schedule ran out."""
    event = put("fault-always-1")
    apply_all()
    assert OrderEvent.objects.get(pk=event).status == "dead"
    return event


def fate(api, event):
    response = api.get(f"{EVENTS}/{event}")
    assert response.status_code == 200
    return json.loads(response.content)


def test_a_pending_event_has_all_members(api, put):
    found = fate(api, put())
    assert set(found) == MEMBERS
    assert (found["status"], found["changed"], found["attempts"], found["finishedAt"]) == ("pending", None, 0, None)
    assert (found["sequence"], found["error"], found["waitingBehind"], found["supersededBy"]) == (1, None, None, None)
    assert found["receivedAt"].endswith("Z")
    assert len(found["receivedAt"]) == len("2026-11-20T10:00:00.123Z")
    assert found["nextAttemptAt"] is not None


def test_an_event_behind_another_says_behind_which(api, put):
    first, second, third = put(), put(), put()
    assert fate(api, second)["waitingBehind"] == fate(api, third)["waitingBehind"] == first
    assert fate(api, second)["nextAttemptAt"] is None


def test_an_applied_event_says_whether_it_changed_anything(api, put, apply_all):
    first, same = put(), put()
    apply_all()
    found = [fate(api, event) for event in (first, same)]
    assert [(event["status"], event["changed"]) for event in found] == [("applied", True), ("applied", False)]
    assert all(event["finishedAt"] and event["nextAttemptAt"] is None for event in found)


def test_a_dead_event_gives_the_reason_in_plain_words(api, dead):
    found = fate(api, dead)
    assert (found["status"], found["attempts"]) == ("dead", 2)
    assert found["error"]
    assert "Traceback" not in found["error"]


@pytest.mark.parametrize("unknown", ["x", str(uuid.UUID(int=1)), "%00", "%2F", "a" * 500, "%FF", "%7B%7D", "null"])
def test_an_event_id_that_nobody_has_is_404(api, unknown):
    problem(api.get(f"{EVENTS}/{unknown}"), "unknown-event", 404)
    problem(api.post(f"{EVENTS}/{unknown}:retry"), "unknown-event", 404)


# --- the list -------------------------------------------------------------------------------------------------------


def listed(api, query=""):
    response = api.get(f"{EVENTS}?{query}" if query else EVENTS)
    assert response.status_code == 200, response.content
    return json.loads(response.content)


def test_the_list_is_oldest_first_and_pages_by_cursor_without_gap_or_repeat(api, put):
    sent = [put(f"100{number}") for number in range(5)]
    found, query = [], "take=2"
    while query:
        answer = listed(api, query)
        found += [event["eventId"] for event in answer["orderEvents"]]
        assert answer["page"]["take"] == 2
        query = answer["page"]["hasMore"] and f"take=2&cursor={answer['page']['next']}"
    assert found == sent


def test_every_page_says_where_to_go_on_and_whether_there_is_more(api, put):
    empty = listed(api)
    assert (empty["orderEvents"], empty["page"]["hasMore"]) == ([], False)
    first, second = put(), put()
    page = listed(api, f"take=1&cursor={empty['page']['next']}")
    assert ([one["eventId"] for one in page["orderEvents"]], page["page"]["hasMore"]) == ([first], True)
    page = listed(api, f"take=1&cursor={page['page']['next']}")
    assert ([one["eventId"] for one in page["orderEvents"]], page["page"]["hasMore"]) == ([second], False)
    end = listed(api, f"cursor={page['page']['next']}")
    assert (end["orderEvents"], end["page"]["next"]) == ([], page["page"]["next"])
    third = put()
    assert [one["eventId"] for one in listed(api, f"cursor={end['page']['next']}")["orderEvents"]] == [third]


@pytest.mark.needs_postgres
@pytest.mark.django_db(transaction=True)
def test_an_event_that_commits_late_is_found_from_an_earlier_cursor(acme, api, put):
    """One event is stored in a transaction that stays open while others are committed and read."""
    stored, end = threading.Event(), threading.Event()

    def late():
        try:
            with transaction.atomic():
                accept_all(
                    [Received("store-1", "late", body("late"))], tenant_id=acme.pk, client_id=None,
                    correlation_id="late",
                )  # fmt: skip
                stored.set()
                assert end.wait(30)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        storing = pool.submit(late)
        assert stored.wait(30)
        put("1001")
        before = listed(api)
        end.set()
        storing.result(30)
    after = listed(api, f"cursor={before['page']['next']}")
    seen = [event["customerOrderId"] for page in (before, after) for event in page["orderEvents"]]
    assert sorted(seen) == ["1001", "late"]


def test_an_earlier_event_that_dies_later_is_met_by_asking_anew_without_a_cursor(api, put):
    first, second = put("1001"), put("1002")

    def dies(event_id):
        OrderEvent.objects.filter(pk=event_id).update(status="dead", finished_at=datetime.now(UTC))

    dies(second)
    seen = listed(api, "status=dead")
    dies(first)
    assert [one["eventId"] for one in listed(api, "status=dead")["orderEvents"]] == [first, second]
    assert listed(api, f"status=dead&cursor={seen['page']['next']}")["orderEvents"] == []


@pytest.mark.needs_postgres
@pytest.mark.django_db(transaction=True)
def test_an_event_of_a_host_whose_clock_is_behind_is_found_from_an_earlier_cursor(api, put, monkeypatch):
    put("1001")
    page = listed(api)
    real = time.time_ns
    monkeypatch.setattr(ids.time, "time_ns", lambda: real() - 2_000_000_000)
    put("1002")
    found = listed(api, f"cursor={page['page']['next']}")["orderEvents"]
    assert [event["customerOrderId"] for event in found] == ["1002"]
    assert [event["customerOrderId"] for event in listed(api)["orderEvents"]] == ["1001", "1002"]


@pytest.mark.needs_postgres
@pytest.mark.django_db(transaction=True)
def test_an_event_that_was_received_before_the_newest_known_and_stored_after_it_is_met_by_since(api, put):
    """It waited between its time of reception and its transaction, for the row of its order or for a processor."""
    put("1001")
    known = put("1002")
    [before, newest] = listed(api)["orderEvents"]
    late = put("1003")
    OrderEvent.objects.filter(pk=late).update(received_at=before["receivedAt"])
    found = listed(api, f"since={newest['receivedAt']}")["orderEvents"]
    assert [event["eventId"] for event in found] == [known, late]


@pytest.mark.django_db(transaction=True)
def test_since_the_time_of_an_event_as_the_api_writes_it_finds_that_event_and_all_later_ones(api, put):
    """Times are told in milliseconds; what was received within the same one is met."""
    put("1001")
    last = [put(number) for number in ("1002", "1003")]
    moment = datetime(2020, 11, 20, 10, 0, 0, 123_999, tzinfo=UTC)
    OrderEvent.objects.filter(pk__in=last).update(received_at=moment)
    OrderEvent.objects.exclude(pk__in=last).update(received_at=moment - timedelta(milliseconds=1))
    told = listed(api)["orderEvents"][-1]["receivedAt"]
    assert [event["eventId"] for event in listed(api, f"since={told}")["orderEvents"]] == last


def test_the_list_is_restricted_by_order_unit_status_and_time(api, put, apply_all):
    first = put("1001")
    apply_all()
    second, third = put("1001", "store-2"), put("1002")
    assert [e["eventId"] for e in listed(api, "customerOrderId=1001")["orderEvents"]] == [first, second]
    assert [e["eventId"] for e in listed(api, "businessUnitId=store-1")["orderEvents"]] == [first, third]
    assert [e["eventId"] for e in listed(api, "status=applied")["orderEvents"]] == [first]
    assert [e["eventId"] for e in listed(api, "status=pending")["orderEvents"]] == [second, third]
    assert [e["eventId"] for e in listed(api, "customerOrderId=1001&status=pending")["orderEvents"]] == [second]
    assert listed(api, "since=2999-01-01T00:00:00Z")["orderEvents"] == []
    assert len(listed(api, "since=2020-01-01T00:00:00%2B02:00")["orderEvents"]) == 3


def test_the_list_of_dead_events_is_the_dead_letter_queue(api, dead, put):
    put()
    assert [event["eventId"] for event in listed(api, "status=dead")["orderEvents"]] == [dead]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("status=lost", "/status"), ("status=", "/status"), ("since=yesterday", "/since"),
        ("since=2026-11-20T10:00:00", "/since"), ("since=0001-01-01T00:00:00%2B14:00", "/since"), ("take=0", "/take"),
        ("take=201", "/take"), ("cursor=x", "/cursor"), ("cursor=%00", "/cursor"), ("cursor=é", "/cursor"),
        ("cursor=" + base64.urlsafe_b64encode(b"x" * 15).decode(), "/cursor"), ("customerOrderId=", "/customerOrderId"),
        ("customerOrderId=%00", "/customerOrderId"), ("customerOrderId=" + "x" * 129, "/customerOrderId"),
        ("businessUnitId=..", "/businessUnitId"), ("order=1", "/order"), ("take=1&take=1", "/take"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_400_naming_it(api, query, pointer):
    found = problem(api.get(f"{EVENTS}?{quote(query, safe='=&%')}"), "invalid-parameter", 400)
    assert [error["pointer"] for error in found["errors"]] == [pointer]


def test_all_wrong_parameters_come_at_once(api):
    found = problem(api.get(f"{EVENTS}?take=0&cursor=x&since=x&a=b"), "invalid-parameter", 400)
    assert {error["pointer"] for error in found["errors"]} == {"/take", "/cursor", "/since", "/a"}


# --- preview, retry, discard ----------------------------------------------------------------------------------------


def outcome(response):
    assert response.status_code == 200, response.content
    found = json.loads(response.content)
    assert set(found) == {"eventId", "sequence", "outcome", "supersededBy", "detail"}
    return found


@pytest.mark.parametrize("verb", ["preview", "retry", "discard"])
def test_only_a_dead_event_can_be_operated(api, put, apply_all, verb):
    event = put()
    problem(api.post(f"{EVENTS}/{event}:{verb}"), "conflict", 409)
    apply_all()
    problem(api.post(f"{EVENTS}/{event}:{verb}"), "conflict", 409)
    assert not OperatorAction.objects.exists()


def test_a_preview_changes_nothing(api, dead):
    assert outcome(api.post(f"{EVENTS}/{dead}:preview"))["outcome"] == "would_fail"
    assert fate(api, dead)["status"] == "dead"
    assert not OperatorAction.objects.exists()


def test_a_preview_says_when_a_retry_would_apply(api, dead, settings):
    settings.HUB_FAULT_INJECTION = False
    assert outcome(api.post(f"{EVENTS}/{dead}:preview"))["outcome"] == "would_apply"
    assert fate(api, dead)["status"] == "dead"


def test_a_retry_is_pending_again_with_its_attempts_counted_on(api, dead, settings, apply_all):
    settings.HUB_FAULT_INJECTION = False
    found = outcome(api.post(f"{EVENTS}/{dead}:retry", {"reason": "the OMS was mended"}))
    assert (found["eventId"], found["sequence"], found["outcome"], found["supersededBy"]) == (dead, 1, "pending", None)
    assert fate(api, dead)["attempts"] == 2
    apply_all()
    assert fate(api, dead)["status"] == "applied"
    action = OperatorAction.objects.get()
    assert (action.action, action.reason, action.who) == ("retry", "the OMS was mended", "client till")


def test_a_stale_retry_is_superseded_by_the_newer_event_and_rolls_nothing_back(api, dead, put, settings, apply_all):
    settings.HUB_FAULT_INJECTION = False
    newer = put("fault-always-1", status="FULFILLED")
    apply_all()
    before = api.get("/api/v1/business-units/store-1/customer-orders/fault-always-1").content
    preview = outcome(api.post(f"{EVENTS}/{dead}:preview"))
    assert (preview["outcome"], preview["supersededBy"]) == ("would_supersede", newer)
    found = outcome(api.post(f"{EVENTS}/{dead}:retry"))
    assert (found["outcome"], found["supersededBy"]) == ("superseded", newer)
    apply_all()
    assert (fate(api, dead)["status"], fate(api, dead)["supersededBy"]) == ("superseded", newer)
    assert api.get("/api/v1/business-units/store-1/customer-orders/fault-always-1").content == before


def test_a_discarded_event_is_never_applied(api, dead, settings, apply_all):
    settings.HUB_FAULT_INJECTION = False
    assert outcome(api.post(f"{EVENTS}/{dead}:discard", {"reason": "wrong shop"}))["outcome"] == "discarded"
    apply_all()
    assert fate(api, dead)["status"] == "discarded"
    problem(api.post(f"{EVENTS}/{dead}:retry"), "conflict", 409)
    assert not OrderEvent.objects.filter(status="applied").exists()


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_the_verbs_colon_may_be_encoded(api, dead, colon):
    assert outcome(api.post(f"{EVENTS}/{dead}{colon}preview"))["outcome"] == "would_fail"


@pytest.mark.parametrize(
    "wrong", [b"{", b"[]", b'"x"', b'{"why": 1}', b'{"reason": 1}', b'{"reason": null}', b'{"reason": "\\u0000"}',
              json.dumps({"reason": "x" * 2_001}).encode()]
)  # fmt: skip
def test_a_wrong_reason_is_400_and_nothing_is_done(api, dead, wrong):
    problem(api.post(f"{EVENTS}/{dead}:discard", wrong), "invalid-body", 400)
    assert fate(api, dead)["status"] == "dead"


def test_operating_wants_its_own_scope(acme, dead, sign_in):
    sender = sign_in(acme, "sender", scopes=["customer-orders:write"])
    problem(sender.post(f"{EVENTS}/{dead}:retry"), "scope-missing", 403)
    operator = sign_in(acme, "operator", scopes=["order-events:operate"])
    problem(operator.get(f"{EVENTS}/{dead}"), "scope-missing", 403)
    assert outcome(operator.post(f"{EVENTS}/{dead}:preview"))
