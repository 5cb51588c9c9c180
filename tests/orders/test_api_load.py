"""customer-orders:load: many events in one request, each as a PUT's, stored once per Idempotency-Key."""

import json
import threading
import tracemalloc

import pytest
from django.db import connection, connections
from django.utils import timezone

from orders.cutover import load_lines
from orders.inbox import bulk_reception
from orders.models import LoadRequest, Order, OrderEvent, OrderQueue, Tenant
from orders.values.problems import TooLarge
from tests.api_fixtures import Api
from tests.bodies import body

pytestmark = [pytest.mark.django_db, pytest.mark.both]

LOAD = "/api/v1/customer-orders:load"
NDJSON = "application/x-ndjson"


def line(order_id="1001", unit="store-1", **members):
    order = body(order_id, **members)
    return b'{"businessUnitId": ' + json.dumps(unit).encode() + b", " + order[1:]


def send(api, *given, key=None, **more):
    headers = {"Idempotency-Key": key} if key else {}
    return api.post(LOAD, b"\n".join(given), content_type=NDJSON, headers=headers, **more)


def answers(response):
    assert (response.status_code, response["Content-Type"]) == (200, NDJSON), response.content
    return [json.loads(one) for one in response.content.splitlines()]


def test_a_byte_order_mark_before_the_lines_is_passed_over(api):
    assert [one["status"] for one in answers(send(api, b"\xef\xbb\xbf" + line("1") + b"\r", line("2")))] == [202, 202]


def problem(response):
    return response.status_code, json.loads(response.content)["type"].rpartition(":")[2]


def test_each_line_is_an_event_that_is_applied_like_a_puts(api, apply_all):
    found = answers(send(api, line("1", price="19.90"), line("2", unit="store-2")))
    stored = {str(event.pk): event for event in OrderEvent.objects.select_related("queue")}
    assert [(one["line"], one["status"], one["sequence"]) for one in found] == [(1, 202, 1), (2, 202, 1)]
    assert [stored[one["eventId"]].queue.key[1:] for one in found] == [("store-1", "1"), ("store-2", "2")]
    apply_all()
    assert api.get("/api/v1/business-units/store-1/customer-orders/1").content.count(b"19.90") == 1
    assert Order.objects.count() == 2


def test_what_is_kept_is_the_put_body_with_its_digits(api):
    answers(send(api, line("1", price="1.50e1")))
    assert OrderEvent.objects.get().payload == body("1", price="1.50e1").decode().replace(": {", ":{", 1)


def test_lines_of_one_order_get_consecutive_sequences_in_their_order(api, apply_all):
    api.put("/api/v1/business-units/store-1/customer-orders/a", body("a"))
    found = answers(send(api, line("a", status="ONE"), line("b"), line("a", status="TWO"), line("a", status="THREE")))
    assert [one["sequence"] for one in found] == [2, 1, 3, 4]
    apply_all()
    assert Order.objects.get(customer_order_id="a").status == "THREE"


def test_a_refused_line_gives_the_reason_and_keeps_no_other_from_being_stored(make_tenant, sign_in, monkeypatch):
    monkeypatch.setattr(load_lines, "BODY_LIMIT_BYTES", 400)
    api = sign_in(make_tenant("bolt"), business_units=["store-1"])
    found = answers(
        send(api, line("1"), b"{", b"", line("2", price='"1"'), line("3", unit="store-2"), line("4" * 400), line("5"))
    )
    assert [(one["line"], one["status"]) for one in found] == [
        (1, 202), (2, 400), (4, 400), (5, 403), (6, 413), (7, 202),
    ]  # fmt: skip
    assert [one["errors"][0]["pointer"] for one in found if "errors" in one] == [
        "", "/customerOrder/items/0/unitPrice", "/businessUnitId", "",
    ]  # fmt: skip
    assert sorted(OrderQueue.objects.values_list("customer_order_id", flat=True)) == ["1", "5"]


@pytest.mark.parametrize("stranger", [b'{"customerOrder":{}}', b'{"businessUnitId":"..","customerOrder":{}}', b"[]"])
def test_a_line_without_its_members_is_refused(api, stranger):
    assert answers(send(api, stranger))[0]["status"] == 400
    assert not OrderEvent.objects.exists()


def test_more_lines_or_bytes_than_the_limit_are_413_and_store_nothing(api, monkeypatch):
    monkeypatch.setattr(load_lines, "LINES_MOST", 2)
    assert problem(send(api, line("1"), line("2"), line("3"))) == (413, "too-large")
    monkeypatch.setattr("orders.api.load.LinesParser.limit_bytes", 100)
    assert problem(send(api, line("1"))) == (413, "too-large")
    assert not OrderEvent.objects.exists()


@pytest.mark.parametrize("line", [b"\n", b"x\n", b"{}\r\n"], ids=["empty", "short", "of Windows"])
def test_lines_beyond_the_limit_are_counted_and_not_taken_apart(line):
    body = line * (4 * 1024 * 1024 // len(line))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            load_lines.numbered(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100_000


def test_as_many_lines_as_are_taken_may_end_with_or_without_a_line_break(monkeypatch):
    monkeypatch.setattr(load_lines, "LINES_MOST", 3)
    taken = [(1, b"a"), (3, b"b")]
    assert [load_lines.numbered(lines) for lines in (b"a\n\nb", b"a\n\nb\n")] == [taken, taken]
    for lines in (b"a\n\nb\n\n", b"\n\n\na"):
        with pytest.raises(TooLarge):
            load_lines.numbered(lines)


def test_no_line_is_400_and_another_content_type_415(api):
    assert problem(send(api, b"", b" ")) == (400, "invalid-body")
    assert problem(api.post(LOAD, line("1"))) == (415, "unsupported-media-type")


def test_it_answers_in_events_and_migrating_mode_and_not_in_proxy_mode(api, acme):
    from orders.access.bearer_tokens import forget_tokens

    statuses = []
    for mode in ("events", "migrating", "proxy"):
        Tenant.objects.filter(pk=acme.pk).update(mode=mode, external_url="https://oms.example.com/api/v1")
        forget_tokens()
        statuses.append(send(api, line(mode)).status_code)
    assert statuses == [200, 200, 405]


def test_the_scope_is_that_of_a_put(acme, sign_in):
    assert problem(send(sign_in(acme, scopes=["customer-orders:read"]), line())) == (403, "scope-missing")


# --- the key


def test_the_same_key_and_body_are_answered_the_same_and_stored_once(api):
    first = send(api, line("1"), b"{", key="k")
    again = send(api, line("1"), b"{", key="k")
    assert again.content == first.content
    assert OrderEvent.objects.count() == 1


def test_without_a_key_a_repeat_is_an_event_like_any_other(api):
    send(api, line("1"))
    assert answers(send(api, line("1")))[0]["sequence"] == 2


def test_the_same_key_with_another_body_is_409_and_stores_nothing(api):
    send(api, line("1"), key="k")
    assert problem(send(api, line("2"), key="k")) == (409, "idempotency-key-reused")
    assert OrderEvent.objects.count() == 1


def test_a_key_is_the_clients_own(api, acme, sign_in):
    send(api, line("1"), key="k")
    assert send(sign_in(acme, "other"), line("2"), key="k").status_code == 200


def test_a_key_is_kept_for_24_hours(api):
    send(api, line("1"), key="k")
    LoadRequest.objects.update(created_at=timezone.now() - timezone.timedelta(hours=24, seconds=1))
    assert send(api, line("2"), key="k").status_code == 200
    assert LoadRequest.objects.count() == 1


def test_keys_that_are_kept_no_longer_are_removed(api):
    from orders.retention.expired_rows import remove_expired

    for key in ("old", "new"):
        send(api, line("1"), key=key)
    LoadRequest.objects.filter(key="old").update(created_at=timezone.now() - timezone.timedelta(hours=25))
    remove_expired()
    assert LoadRequest.objects.get().key == "new"


@pytest.mark.parametrize("key", ["a b", "ø", "x" * 256])
def test_a_key_that_is_none_is_400(api, key):
    assert problem(send(api, line("1"), key=key)) == (400, "invalid-parameter")


def test_a_request_that_died_half_way_left_neither_lines_nor_its_key(api, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("orders.cutover.loads._written", lambda *_: 1 / 0)
        assert send(api, line("1"), key="k").status_code == 500
    assert (OrderEvent.objects.count(), OrderQueue.objects.count(), LoadRequest.objects.count()) == (0, 0, 0)
    assert answers(send(api, line("1"), key="k"))[0]["sequence"] == 1


def at_once(*calls):
    """The results of calls that run at the same time, each with a connection of its own."""
    results, start = [None] * len(calls), threading.Barrier(len(calls))

    def work(place, call):
        try:
            start.wait()
            results[place] = call()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_the_same_request_twice_at_once_is_stored_once(api):
    given = [line(str(number)) for number in range(50)]
    first, second = at_once(*[lambda: send(Api(api.token), *given, key="k")] * 2)
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert OrderEvent.objects.count() == 50


@pytest.mark.django_db(transaction=True)
def test_loads_of_the_same_orders_in_opposite_order_do_not_lock_each_other_out(api, monkeypatch):
    monkeypatch.setattr("orders.cutover.loads.TRIES", 1)
    known = [line(str(number)) for number in range(0, 200, 2)]
    answers(send(api, *known))
    given = [line(str(number)) for number in range(200)]
    for _ in range(3):
        results = at_once(*[lambda: send(Api(api.token), *given), lambda: send(Api(api.token), *reversed(given))] * 2)
        assert [result.status_code for result in results] == [200] * 4
    queues = OrderQueue.objects.filter(customer_order_id__in=["0", "1"]).order_by("customer_order_id")
    assert list(queues.values_list("last_sequence", flat=True)) == [13, 12]
    sequences = OrderEvent.objects.filter(queue=queues[1]).order_by("sequence").values_list("sequence", flat=True)
    assert list(sequences) == list(range(1, 13))


def test_a_load_of_many_lines_costs_few_statements(api, django_assert_max_num_queries):
    send(api, line("warm"), key="warm")
    most = 14 if connection.vendor != "sqlite" else 40
    with django_assert_max_num_queries(most):
        send(api, *[line(str(number)) for number in range(500)], key="k")


def test_reception_in_one_go_counts_on_where_single_puts_stopped(acme):
    given = [bulk_reception.Received("store-1", "a", body("a"))] * 2
    events = bulk_reception.accept_all(given, tenant_id=acme.pk, client_id=None, correlation_id="c")
    assert [event.sequence for event in events] == [1, 2]
    assert events[0].event_id < events[1].event_id
