"""Logs never carry a personal value, whatever goes wrong on whichever road."""

import logging
import traceback

import pytest
import structlog
from django.db import IntegrityError

from config.logs import without_rows
from orders.inbox import batch
from orders.models import Delivery, OrderEvent
from orders.outbox import dispatcher
from orders.outgoing import Answer
from tests.orderflow.conftest import add_channel  # noqa: F401
from tests.orders.personal_scene import canaries, document, scene  # noqa: F401
from tests.suppliers.conftest import add_supplier, tenant  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both]


def said(entries, records):
    """All that was logged, as it is printed: structlog's own and the standard library's, tracebacks too."""
    texts = []
    for entry in entries:
        error = entry.pop("exc_info", None)
        told = "".join(traceback.format_exception(error)) if isinstance(error, BaseException) else ""
        texts.append(repr(without_rows(None, "", {**entry, "exception": told})))
    return "\n".join([*texts, *(record.getMessage() for record in records)]).encode()


def test_no_integration_logs_a_personal_value(request, caplog):
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as entries:
        request.getfixturevalue("scene")
    logged = said(entries, caplog.records)
    assert b"delivery dead" in logged
    assert b"event dead" in logged
    assert canaries(logged) == set()


def test_an_event_that_the_database_refuses_is_logged_without_its_row(scene, monkeypatch, caplog):
    def refuse(*_):
        raise IntegrityError(f"null value\nDETAIL:  Failing row contains ({document(1, '1003')}).")

    monkeypatch.setattr(batch.Batch, "_write_orders", refuse)
    with structlog.testing.capture_logs() as entries:
        scene.put(1, "1003")
        scene.work()
    event = OrderEvent.objects.get(queue__customer_order_id="1003")
    assert event.status == "dead"
    assert canaries(event.error.encode())
    assert canaries(said(entries, caplog.records)) == set()


def test_a_fault_of_ours_while_sending_is_logged_without_what_was_sent(scene, monkeypatch, caplog):
    def fail(*_args, **_more):
        raise IntegrityError(f"DETAIL:  Failing row contains ({document(1, '1004')}).")

    monkeypatch.setattr(dispatcher.channels()["orderflow"], "send", fail, raising=False)
    with structlog.testing.capture_logs() as entries:
        scene.put(1, "1004")
        scene.work()
    assert Delivery.objects.get(lane__customer_order_id="1004", kind="import").status == "dead"
    logged = said(entries, caplog.records)
    assert b"sending failed inside the hub" in logged
    assert canaries(logged) == set()


def test_a_channel_stopped_by_words_that_quote_an_order_gives_the_reason_without_them(scene, monkeypatch, caplog):
    sent = {name: document(2, "1005")[name] for name in ("customer", "deliveryAddress")}
    words = f"<error><message>No user for supplied user name and password combination {sent}</message>"

    def denied(call, **_more):
        return Answer(412, {}, f"{words}</error>".encode(), 0.0)

    monkeypatch.setattr("orderflow.site.client.send", denied)
    with structlog.testing.capture_logs() as entries:
        scene.put(2, "1005")
        scene.work()
    scene.channel.destination.refresh_from_db()
    assert scene.channel.destination.state == "stopped"
    assert "No user for supplied user name" in scene.channel.destination.state_reason
    assert canaries(scene.channel.destination.state_reason.encode()) == set()
    assert canaries(said(entries, caplog.records)) == set()
