import json
import threading
import time

import pytest
from django.test import Client

from orders.access.bearer_tokens import forget_tokens
from suppliers.models import Notice, Supplier, SupplierPart
from suppliers.webhooks import pull_feed
from tests.suppliers.conftest import order

pytestmark = [pytest.mark.both, pytest.mark.django_db, pytest.mark.urls("suppliers.urls")]
PATH = "/api/events/v1/dk/external/acme/receive"


@pytest.fixture(autouse=True)
def no_holding(settings):
    settings.HUB_RECEIVE_HOLD_SECONDS = 0
    settings.HUB_PUBLIC_URL = "https://hub.example.com"


@pytest.fixture
def pull(add_supplier):
    return add_supplier("beans", ["BEAN-*"], url=None)


@pytest.fixture
def receive(pull, token):
    headers = token(pull.api_client)
    return lambda cursor=None: Client().get(PATH, {} if cursor is None else {"lastEventId": cursor}, headers=headers)


def test_events_come_oldest_first_with_the_bare_event_inside(book, pull, receive):
    book.apply(*[order("BEAN-1", order_id=f"o{number}") for number in range(3)])
    body = receive().json()
    assert list(body) == ["links", "meta", "data"]
    assert body["meta"] == {}
    assert body["links"] == {"next": f"https://hub.example.com{PATH}?lastEventId=_3"}
    assert [one["id"] for one in body["data"]] == ["_1", "_2", "_3"]
    for one, notice in zip(body["data"], Notice.objects.order_by("pk"), strict=True):
        assert one["attributes"] == json.loads(notice.body)
        assert (one["type"], one["timestamp"]) == ("order_created", one["attributes"]["timestamp"])


def test_the_next_page_begins_after_the_cursor_and_the_end_keeps_it(book, receive):
    book.apply(order("BEAN-1", order_id="a"), order("BEAN-1", order_id="b"))
    receive()
    assert [one["id"] for one in receive("_1").json()["data"]] == ["_2"]
    end = receive("_2").json()
    assert (end["data"], end["links"]["next"]) == ([], f"https://hub.example.com{PATH}?lastEventId=_2")
    book.apply(order("BEAN-1", order_id="c"))
    assert [one["id"] for one in receive("_2").json()["data"]] == ["_3"]


def test_an_empty_feed_keeps_the_empty_cursor(receive):
    for answer in (receive(), receive("")):
        assert answer.json() == {
            "links": {"next": f"https://hub.example.com{PATH}?lastEventId="},
            "meta": {},
            "data": [],
        }


def test_at_most_a_hundred_at_a_time(book, receive):
    book.apply(*[order("BEAN-1", order_id=f"o{number}") for number in range(101)])
    first = receive().json()["data"]
    assert (len(first), first[-1]["id"]) == (100, "_100")
    assert [one["id"] for one in receive("_100").json()["data"]] == ["_101"]


def test_a_feed_holds_its_suppliers_events_only(book, add_supplier, receive):
    add_supplier("peas", ["PEA-*"])
    book.apply(order("PEA-1", order_id="a"), order("BEAN-1", "PEA-1", order_id="b"))
    assert [one["attributes"]["case"]["number"] for one in receive().json()["data"]] == ["b"]


def test_a_webhook_supplier_can_catch_up_with_the_bytes_it_was_sent(book, add_supplier, token):
    peas = add_supplier("peas", ["*"])
    owed = [one.payload for line in book.apply(order("A"), order("B"), order("B", status="CANCELLED")) for one in line]
    data = Client().get(PATH, headers=token(peas.api_client)).json()["data"]
    assert [one["attributes"] for one in data] == [json.loads(payload) for payload in owed]
    assert [one["type"] for one in data] == ["order_created", "order_updated", "order_cancelled"]


def test_a_number_is_given_after_the_commit_so_a_late_one_is_never_passed_by(book, pull, receive):
    book.apply(order("BEAN-1", order_id="early"), order("BEAN-1", order_id="late"))
    early = Notice.objects.order_by("pk")[0]
    Notice.objects.filter(pk=early.pk).update(supplier_id=-1)
    assert [one["id"] for one in receive().json()["data"]] == ["_1"]
    Notice.objects.filter(pk=early.pk).update(supplier=pull)
    assert [(one["id"], one["attributes"]["case"]["number"]) for one in receive("_1").json()["data"]] == [
        ("_2", "early")
    ]


@pytest.mark.parametrize("cursor", ["1", "_", "_0", "_01", "_-1", "_2", "_x", "_1 ", "_٢", "_" + "9" * 30])
def test_a_cursor_that_is_none_of_this_feed_is_400(book, receive, cursor):
    book.apply(order("BEAN-1"))
    receive()
    assert receive(cursor).status_code == 400


def test_a_cursor_older_than_what_is_kept_is_410_naming_the_oldest(book, receive):
    book.apply(*[order("BEAN-1", order_id=f"o{number}") for number in range(4)])
    receive()
    Notice.objects.filter(position__lte=2).delete()
    answer = receive("_1")
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:orderhub:problem:events-gone")
    assert "the oldest kept is _3." in answer.json()["detail"]
    assert [one["id"] for one in receive("_2").json()["data"]] == ["_3", "_4"]
    assert [one["id"] for one in receive().json()["data"]] == ["_3", "_4"]
    Notice.objects.all().delete()
    assert receive("_2").status_code == 410
    assert receive("_4").json()["data"] == []


def test_positions_go_on_after_all_was_deleted(book, receive):
    book.apply(order("BEAN-1", order_id="a"))
    receive()
    Notice.objects.all().delete()
    book.apply(order("BEAN-1", order_id="b"))
    receive()
    assert [one["id"] for one in receive("_1").json()["data"]] == ["_2"]


def test_wrong_tenant_country_or_scope(pull, token):
    headers = token(pull.api_client)
    for path in (PATH.replace("dk", "se"), PATH.replace("acme", "bolt")):
        assert Client().get(path, headers=headers).status_code == 404
    assert Client().get(PATH, headers=token(pull.api_client, "supplier-orders:read")).status_code == 403


def test_a_request_is_held_until_the_time_is_over(pull, receive, settings):
    settings.HUB_RECEIVE_HOLD_SECONDS = 0.6
    began = time.monotonic()
    assert receive().json()["data"] == []
    assert 0.6 <= time.monotonic() - began < 2


def test_a_held_request_ends_with_the_event(pull, book, receive, settings, monkeypatch):
    settings.HUB_RECEIVE_HOLD_SECONDS = 20
    looks = []

    def sleep(seconds):
        looks.append(seconds)
        book.apply(order("BEAN-1"))

    monkeypatch.setattr(pull_feed.time, "sleep", sleep)
    assert [one["id"] for one in receive().json()["data"]] == ["_1"]
    assert looks == [pull_feed.LOOK_SECONDS]


@pytest.mark.parametrize("withdrawal", [({"active": False}, 401), ({"scopes": []}, 403)])
def test_a_held_request_tells_nothing_to_a_client_stopped_meanwhile(
    pull, book, receive, settings, monkeypatch, withdrawal
):
    withdrawn, status = withdrawal
    settings.HUB_RECEIVE_HOLD_SECONDS = 20

    def sleep(_seconds):
        type(pull.api_client).objects.filter(pk=pull.api_client.pk).update(**withdrawn)
        forget_tokens()
        book.apply(order("BEAN-1"))

    monkeypatch.setattr(pull_feed.time, "sleep", sleep)
    assert receive().status_code == status
    assert SupplierPart.objects.get().told_at is None


def test_beyond_the_bound_the_answer_is_503_at_once_but_events_that_are_there_come(
    pull, book, receive, settings, monkeypatch
):
    settings.HUB_RECEIVE_HOLD_SECONDS = 20
    full = threading.BoundedSemaphore(1)
    full.acquire()
    monkeypatch.setattr(pull_feed, "_long_polls", full)
    answer = receive()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    book.apply(order("BEAN-1"))
    assert len(receive().json()["data"]) == 1
    assert Supplier.objects.get().notices_numbered == 1


def test_handing_an_event_out_tells_of_its_order_once(book, receive):
    book.apply(order("BEAN-1"))
    assert receive("").status_code == 200
    part = SupplierPart.objects.get()
    assert part.told_at is not None
    assert part.unfetched_since == part.told_at
    receive("")
    assert SupplierPart.objects.get().told_at == part.told_at
