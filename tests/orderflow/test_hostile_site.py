"""A warehouse that answers whatever it likes: never a fault of the hub, never dear, always said to a person."""

import time

import pytest

from orderflow.site.client import site_of
from orderflow.site.refusals import Cause, explain
from orderflow.site.reports import (
    Failure,
    NoSuchOrder,
    OrderDetail,
    Trouble,
    cancel_answer,
    import_report,
    order_detail,
)
from orders.models import Delivery, DeliveryAttempt
from orders.outgoing import Deadline
from tests.orderflow.conftest import an_order, deliver_once, place
from tests.orders.wire_server import answer, wire_server

LONG = "failed to convert property value "


@pytest.mark.both
@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x01\x02",
        b"<importResult>\x00",
        b"<error><message>x\x00y</message>",
        b"<html>" + b"long words " * 9_000,
        b"<error><message>no &#" + b"9" * 5_000 + b"; of yours</message>",
    ],
    ids=["binary", "cut at a NUL", "a NUL in an error", "a long page", "a character beyond counting"],
)
def test_whatever_a_site_answers_is_recorded_and_tried_again(loopback, add_channel, book, body):
    with wire_server(lambda connection, _: connection.sendall(answer(body))) as site:
        add_channel(base_url=f"{site.url}/rtd2-host")
        book.apply(an_order())
        assert deliver_once() == 1
    delivery, tried = Delivery.objects.get(), DeliveryAttempt.objects.get()
    assert (delivery.status, delivery.attempts, tried.verdict) == ("pending", 1, "unavailable")
    assert "\x00" not in delivery.error + tried.detail + tried.response_cut
    assert 20 < len(delivery.error) < 3_000
    assert place().state == "unknown"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("30", 30), ("soon", None), (f"Fri, {'9' * 20} Nov 2026 08:01:00 GMT", None)],
    ids=["seconds", "no time", "a day beyond counting"],
)
def test_whatever_a_site_asks_to_wait_its_answer_is_read(loopback, add_channel, asked, seconds):
    busy = answer(b"<error><message>Busy</message></error>", status="503 Busy", headers=f"Retry-After: {asked}\r\n")
    with wire_server(lambda connection, _: connection.sendall(busy)) as server:
        site = site_of(add_channel(base_url=f"{server.url}/rtd2-host"))
        found, reply = site.detail("1001", lines=1, deadline=Deadline.after(5))
    assert (reply.status, reply.retry_after) == (503, seconds)
    assert "Busy" in found.text


@pytest.mark.parametrize(
    "piece",
    [
        LONG, f"{LONG}'", f"{LONG}x for property '", "no product found for external reference: ", "not sent. a",
        "identifier: ref:courier:", "duplicate entity in import of ", "<![CDATA[", "&amp;amp;",
    ],
)  # fmt: skip
def test_a_long_refusal_costs_little_to_read_and_to_explain(piece):
    text = piece.replace("&", "&amp;").replace("<", "&lt;") * (200_000 // len(piece))
    body = (
        '<importResult><importFailures><import type="order" operation="insert" externalReference="1001">'
        f"<failureMessage>{text}</failureMessage><failureDetail>{text}</failureDetail></import></importFailures>"
        "</importResult>"
    )
    began = time.process_time()
    report = import_report(200, body.encode(), items=100)
    failure = (report.failures or report.duplicates)["order", "1001"]
    for _ in range(100):
        explain(failure)
    assert time.process_time() - began < 1
    assert len(failure.message) + len(failure.detail) <= 4_000


def test_a_refusal_is_still_explained_by_its_first_lines():
    said = (
        "Failed to convert property value of type 'String' for property 'orderLine.1.quantity'; " + "at x.y.Z " * 9_000
    )
    found = explain(Failure(said[:2_000]))
    assert (found.cause, found.property) == (Cause.BAD_VALUE, "orderLine.1.quantity")


@pytest.mark.parametrize(
    "quantity", ["sNaN", "NaN", "Infinity", "9e999999", "1e400", "-1e9999999999999", "1" * 5000, ""]
)
def test_a_quantity_beyond_counting_equals_nothing_and_fells_nobody(quantity):
    body = (
        '<order externalReference="1001" state="ready"><shipments><shipment><orderLines>'
        f'<orderLine product="A" quantity="{quantity}"/><orderLine product="A" quantity="{quantity}"/>'
        "</orderLines></shipment></shipments></order>"
    )
    found = order_detail(200, body.encode(), reference="1001", items=50)
    assert isinstance(found, OrderDetail)
    assert found.quantities["A"].is_nan()


@pytest.mark.parametrize("status", [200, 404, 500])
def test_no_text_of_an_answer_is_kept_beyond_what_a_person_reads(status):
    body = b"<error><message>no order " + b"very long " * 5_000 + b"</message></error>"
    for found in (
        import_report(status, body, items=100),
        order_detail(status, body, reference="1", items=100),
        cancel_answer(status, body),
    ):
        assert isinstance(found, Trouble | NoSuchOrder)
        assert len(found.text) < 2_200
