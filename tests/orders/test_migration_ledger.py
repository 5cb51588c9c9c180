"""The backfill ledger: what the own system is known to have, against what was received."""

import io
import json
from datetime import timedelta

import pytest
from django.db import connection

from orders.cutover import ledger, listing
from orders.cutover.ledger import _Collector
from orders.cutover.listing import ListRefused, add_file, missing_as_csv
from orders.cutover.progress import all_missing, missing_orders, progress
from orders.database import write_behind
from orders.models import KnownOrder, OrderEvent, Tenant
from tests.bodies import body

pytestmark = [pytest.mark.django_db, pytest.mark.both]

LIST = "/api/v1/migration/orders"


@pytest.fixture(autouse=True)
def collector(monkeypatch):
    """Nothing is remembered from one test to the next, and no thread writes beside the test."""
    monkeypatch.setattr(ledger, "_collector", _Collector())
    monkeypatch.setattr(_Collector, "write_until_empty", lambda self: None)
    return ledger._collector


@pytest.fixture
def tenant(make_tenant):
    return make_tenant("acme", "migrating")


@pytest.fixture
def api(tenant, sign_in):
    return sign_in(tenant)


def rows():
    return list(KnownOrder.objects.order_by("pk").values_list("business_unit_id", "customer_order_id", "how"))


def listed(*places):
    return {"orders": [{"businessUnitId": unit, "customerOrderId": order} for unit, order in places]}


def known(answer):
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


# --- seen in reads


def test_what_reads_see_is_written_once_in_one_go(tenant, django_assert_num_queries):
    ledger.saw(tenant, "store-1", ["b", "a"], how="search")
    ledger.saw(tenant, "store-1", ["a"], how="read")
    assert rows() == []
    ledger.write()
    assert rows() == [("store-1", "a", "search"), ("store-1", "b", "search")]
    ledger.saw(tenant, "store-1", ["a", "b"], how="read")
    with django_assert_num_queries(0):
        ledger.write()


@pytest.mark.parametrize("mode", ["proxy", "events"])
def test_only_a_migrating_tenants_reads_are_noted(tenant, mode):
    tenant.mode = mode
    ledger.saw(tenant, "store-1", ["a"], how="read")
    ledger.write()
    assert rows() == []


def test_noting_a_read_never_touches_the_database(tenant, django_assert_num_queries):
    with django_assert_num_queries(0):
        ledger.saw(tenant, "store-1", map(str, range(1000)), how="search")


def test_memory_is_bounded_and_what_found_no_room_is_found_again(tenant, monkeypatch, collector):
    monkeypatch.setattr(ledger, "PENDING_MOST", 2)
    monkeypatch.setattr(ledger, "WRITTEN_MOST", 3)
    ledger.saw(tenant, "store-1", ["a", "b", "c"], how="search")
    assert len(collector.pending) == 2
    ledger.write()
    ledger.saw(tenant, "store-1", ["a", "b", "c", "d"], how="search")
    ledger.write()
    assert [order for _, order, _ in rows()] == ["a", "b", "c", "d"]
    assert len(collector.written) <= 3


def test_the_writing_thread_ends_when_nothing_is_left_and_starts_again(tenant, monkeypatch, collector):
    started = []
    monkeypatch.setattr(write_behind.threading, "Thread", lambda **given: started.append(given) or FakeThread())
    ledger.saw(tenant, "store-1", ["a"], how="read")
    ledger.saw(tenant, "store-1", ["b"], how="read")
    assert len(started) == 1
    assert collector._goes_on()
    ledger.write()
    assert not collector._goes_on()
    ledger.saw(tenant, "store-1", ["c"], how="read")
    assert len(started) == 2


class FakeThread:
    def start(self):
        pass


# --- listed over the API


def test_listing_answers_how_many_are_known_and_how_many_of_these_are_new(api):
    assert known(api.post(LIST, listed(("s1", "a"), ("s1", "b"), ("s1", "a")))) == {"known": 2, "added": 2}
    assert known(api.post(LIST, listed(("s1", "b"), ("s2", "b")))) == {"known": 3, "added": 1}
    assert rows() == [("s1", "a", "api"), ("s1", "b", "api"), ("s2", "b", "api")]


def test_listing_is_for_a_migrating_tenant(make_tenant, sign_in):
    answer = sign_in(make_tenant("bolt")).post(LIST, listed(("s1", "a")))
    assert (answer.status_code, json.loads(answer.content)["type"]) == (409, "urn:orderhub:problem:not-migrating")
    assert sign_in(make_tenant("crow", "proxy"), "other").post(LIST, listed(("s1", "a"))).status_code == 405
    assert rows() == []


def test_an_order_of_a_business_unit_beyond_the_token_is_refused_and_nothing_is_added(tenant, sign_in):
    bound = sign_in(tenant, business_units=["s1"])
    answer = bound.post(LIST, listed(("s1", "a"), ("s2", "b")))
    assert answer.status_code == 403
    assert [fault["pointer"] for fault in json.loads(answer.content)["errors"]] == ["/orders/1/businessUnitId"]
    assert rows() == []
    ledger.add(tenant.pk, [("s2", "x")], how="api")
    assert known(bound.post(LIST, listed(("s1", "a")))) == {"known": 1, "added": 1}


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({}, "/orders"),
        ({"orders": [{"businessUnitId": "s1"}]}, "/orders/0/customerOrderId"),
        ({"orders": [{"businessUnitId": "..", "customerOrderId": "a"}]}, "/orders/0/businessUnitId"),
        ({"orders": [{"businessUnitId": "s1", "customerOrderId": "a", "x": 1}]}, "/orders/0/x"),
        ({"orders": [], "x": 1}, "/x"),
    ],
)
def test_a_list_that_is_none_is_refused_with_the_place(api, given, pointer):
    answer = api.post(LIST, given)
    assert answer.status_code == 400
    assert [fault["pointer"] for fault in json.loads(answer.content)["errors"]] == [pointer]


def test_no_order_is_a_list_too(api):
    assert known(api.post(LIST, {"orders": []})) == {"known": 0, "added": 0}


# --- listed in a file


def csv_of(text):
    return io.BytesIO(text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize(
    "text",
    [
        'businessUnitId,customerOrderId\r\ns1,a\r\ns1,"b,1"\r\n',
        "\ufeffbusinessUnitId;customerOrderId\ns1;a\n\ns1;b,1",
    ],
)
def test_a_file_is_put_into_the_ledger(tenant, text):
    done = add_file(tenant.pk, csv_of(text))
    assert (done.orders, done.added) == (2, 2)
    assert rows() == [("s1", "a", "file"), ("s1", "b,1", "file")]
    assert add_file(tenant.pk, csv_of(text)).added == 0


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["Line 1 must be the header businessUnitId,customerOrderId."]),
        ("s1,a\n", ["Line 1 must be the header businessUnitId,customerOrderId."]),
        (
            "businessUnitId,customerOrderId\ns1\ns1,a\n..,b\ns1, c\n",
            [
                "Line 2: 1 cells instead of 2.",
                'Line 4, businessUnitId: an id is not "." or "..".',
                "Line 5, customerOrderId: an id has no leading or trailing blank.",
            ],
        ),
        (b"businessUnitId,customerOrderId\ns1,\xff\n", ["Line 2: not UTF-8; save the file as CSV in UTF-8."]),
        ('businessUnitId,customerOrderId\ns1,"a', ["Line 2: unexpected end of data."]),
    ],
)
def test_a_faulty_file_is_refused_line_by_line_and_adds_nothing(tenant, text, faults):
    with pytest.raises(ListRefused) as refused:
        add_file(tenant.pk, csv_of(text))
    assert list(refused.value.faults) == faults
    assert rows() == []


def test_a_file_beyond_the_limit_is_refused(tenant, monkeypatch):
    monkeypatch.setattr(listing, "FILE_BYTES", 30)
    with pytest.raises(ListRefused, match="larger than 30 bytes"):
        add_file(tenant.pk, csv_of("businessUnitId,customerOrderId\ns1,a\n"))


def test_the_missing_orders_come_as_a_file_whose_cells_are_no_formulas(tenant):
    ids = ["=1+1", "+1", "-1", "@x", "plain", 'say "hi"', "'quoted"]
    ledger.add(tenant.pk, [("s1", order) for order in ids], how="api")
    text = "".join(missing_as_csv(tenant.pk))
    cells = [line.partition(",")[2] for line in text.splitlines()[1:]]
    assert sorted(cells) == sorted(["'=1+1", "'+1", "'-1", "'@x", "plain", '"say ""hi"""', "'quoted"])
    assert add_file(tenant.pk, csv_of(text)).added == 0


# --- against what was received


def put(api, order):
    assert api.put(f"/api/v1/business-units/s1/customer-orders/{order}", body(order)).status_code == 202


def test_progress_tells_known_received_and_stored_and_when_it_will_be_done(tenant, api, apply_all):
    ledger.add(tenant.pk, [("s1", str(number)) for number in range(10)], how="file")
    put(api, "0")
    put(api, "1")
    put(api, "unlisted")
    apply_all()
    put(api, "2")
    now = progress(tenant.pk)
    assert (now.known, now.received, now.stored, now.missing, now.share) == (10, 3, 2, 7, 0.3)
    assert now.per_second == pytest.approx(3 / 120)
    left = now.finishes_at - OrderEvent.objects.latest("received_at").received_at
    assert left.total_seconds() == pytest.approx(280, abs=30)


def test_an_empty_ledger_is_not_complete(tenant):
    now = progress(tenant.pk)
    assert (now.share, now.missing, now.finishes_at) == (0.0, 0, None)


def test_a_rate_is_of_the_last_minutes(tenant, api):
    ledger.add(tenant.pk, [("s1", "0"), ("s1", "1")], how="file")
    put(api, "0")
    event = OrderEvent.objects.get()
    OrderEvent.objects.filter(pk=event.pk).update(
        id=type(event.pk)(int=event.pk.int - (int(timedelta(minutes=10).total_seconds() * 1000) << 80))
    )
    now = progress(tenant.pk)
    assert (now.received, now.per_second, now.finishes_at) == (1, 0, None)


def test_the_missing_are_listed_page_by_page(tenant, api, make_tenant, monkeypatch):
    ledger.add(make_tenant("bolt", "migrating").pk, [("s1", "theirs")], how="file")
    ledger.add(tenant.pk, [("s1", str(number)) for number in range(5)], how="file")
    put(api, "2")
    first = list(missing_orders(tenant.pk)[:2])
    rest = list(missing_orders(tenant.pk, after=first[-1].pk))
    assert [row.customer_order_id for row in [*first, *rest]] == ["0", "1", "3", "4"]
    monkeypatch.setattr("orders.cutover.progress.PAGE", 2)
    assert [row.customer_order_id for row in all_missing(tenant.pk)] == ["0", "1", "3", "4"]


def test_two_writers_of_the_same_orders_in_opposite_order_both_end(tenant):
    places = [("s1", str(number)) for number in range(100)]
    assert ledger.add(tenant.pk, places, how="api") == 100
    assert ledger.add(tenant.pk, list(reversed(places)), how="api") == 0
    assert connection.in_atomic_block
    assert Tenant.objects.get(pk=tenant.pk).known_orders.count() == 100
