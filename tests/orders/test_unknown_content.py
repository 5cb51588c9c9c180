"""What the hub does not know of orders: the event says so, operators see it counted, a cut-over waits for it."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from orders.cutover.checklist import Key, checklist
from orders.models import OrderEvent, UnknownContent
from orders.telemetry import unknown_content
from tests.bodies import body
from tests.orders.test_api_checks import problem

pytestmark = pytest.mark.django_db

ORDER = "/api/v1/business-units/store-1/customer-orders/1001"
LOAD = "/api/v1/customer-orders:load"
STRANGER = {
    "pointer": "/customerOrder/items/0/note",
    "detail": "Unknown member, found a string: left out of the order.",
}


@pytest.fixture(autouse=True)
def _written_when_a_test_says_so(monkeypatch):
    monkeypatch.setattr(unknown_content._Observations, "write_until_empty", lambda tally: None)
    unknown_content._observations.forget()
    yield
    unknown_content._observations.forget()


def strange(**more):
    given = json.loads(body(**more))
    given["customerOrder"]["items"][0]["note"] = "x"
    return given


def counted():
    unknown_content.write()
    return list(UnknownContent.objects.values_list("kind", "name", "count"))


@pytest.mark.both
def test_the_event_repeats_the_warnings_of_its_put(api):
    answer = json.loads(api.put(ORDER, strange()).content)
    event = json.loads(api.get(f"/api/v1/order-events/{answer['eventId']}").content)
    assert answer["warnings"] == event["warnings"] == [STRANGER]


@pytest.mark.both
def test_an_event_without_warnings_has_an_empty_list(api):
    answer = json.loads(api.put(ORDER, body()).content)
    assert json.loads(api.get(f"/api/v1/order-events/{answer['eventId']}").content)["warnings"] == []


@pytest.mark.both
def test_a_line_of_a_load_leaves_its_warnings_with_its_event_and_is_counted(api):
    line = json.dumps({"businessUnitId": "store-1", **strange(status="PACKED")})
    api.post(LOAD, line.encode(), content_type="application/x-ndjson")
    pointers = [one["pointer"] for one in json.loads(OrderEvent.objects.get().warnings)]
    assert pointers == ["/customerOrder/status", STRANGER["pointer"]]
    assert counted() == [("member", "/customerOrder/items/*/note", 1), ("status", "PACKED", 1)]


@pytest.mark.both
def test_unknown_members_and_words_are_counted_in_one_row_each(api):
    for _ in range(3):
        api.put(ORDER, strange(status="PACKED"))
    assert counted() == [("member", "/customerOrder/items/*/note", 3), ("status", "PACKED", 3)]
    api.put(ORDER, strange())
    assert counted() == [("member", "/customerOrder/items/*/note", 4), ("status", "PACKED", 3)]


def test_a_tenant_that_wants_unknown_members_refused_has_them_refused(api, acme):
    acme.unknown_members = "refuse"
    acme.save()
    (fault,) = problem(api.put(ORDER, strange()), "invalid-body", 400)["errors"]
    assert fault["pointer"] == STRANGER["pointer"]
    assert not OrderEvent.objects.exists()
    assert counted() == []


def lines(tenant):
    return {line.key: line for line in checklist(tenant).lines}


def test_a_cut_over_waits_for_unknown_members_and_words_of_the_last_hours(api, acme):
    assert (lines(acme)[Key.MEMBERS].figure, lines(acme)[Key.WORDS].figure) == ("none", "none")
    api.put(ORDER, strange(status="PACKED"))
    unknown_content.write()
    members, words = lines(acme)[Key.MEMBERS], lines(acme)[Key.WORDS]
    assert (members.ok, members.figure, members.overridable) == (False, "/customerOrder/items/*/note", True)
    assert (words.ok, words.figure, words.overridable) == (False, "PACKED", True)
    UnknownContent.objects.update(last_seen_at=timezone.now() - timedelta(hours=25))
    assert lines(acme)[Key.MEMBERS].ok
    assert lines(acme)[Key.WORDS].ok


def test_a_word_that_the_map_names_by_now_is_known(api, acme):
    api.put(ORDER, body(status="PACKED"))
    unknown_content.write()
    acme.status_map = {"PACKED": "PACKED"}
    assert lines(acme)[Key.WORDS].ok


def test_a_member_that_only_the_own_systems_answers_have_is_on_the_checklist(acme):
    from orders.documents import Mismatch
    from orders.documents.checks import NO_MEMBER
    from proxy import drift

    drift.note(acme.pk, [Mismatch("/customerOrder/promise", NO_MEMBER, "string"), Mismatch("/x", "string", "number")])
    drift.write()
    assert lines(acme)[Key.MEMBERS].figure == "/customerOrder/promise"
