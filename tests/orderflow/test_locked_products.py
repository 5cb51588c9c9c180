"""Products stored while their outcomes are recorded: both lock the lane first, so that neither ends in a deadlock."""

import threading
import uuid
from functools import partial

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from orderflow.catalogue import products
from orderflow.imports import channel
from orders.integrations import channels
from orders.outbox import outcomes
from orders.outbox.dispatcher import claim_requests

pytestmark = pytest.mark.django_db(transaction=True)


def test_storing_a_product_and_recording_its_outcome_take_turns(site, stocked, monkeypatch):
    products.put_products(stocked, {"A": {"description": "first"}})
    (sent,) = claim_requests(1000, most=1000)
    (outcome,) = channels()["orderflow"].send(sent.request)
    (delivery,) = sent.request.deliveries
    storing, recording = threading.Event(), threading.Event()
    add, note = products.add_deliveries, channel.record_product

    def add_later(new):
        storing.set()
        recording.wait(3)
        return add(new)

    def note_later(*args):
        recording.set()
        storing.wait(3)
        return note(*args)

    monkeypatch.setattr(products, "add_deliveries", add_later)
    monkeypatch.setattr(channel, "record_product", note_later)
    # the recording itself, without the further tries and the end of waiting that would hide a deadlock
    record = partial(outcomes._record, lock_seconds=30, inform=True)
    tried = outcomes.CompletedAttempt(
        delivery, sent.request.destination, sent.lease, outcome, uuid.uuid4(), timezone.now(), 1.0
    )
    troubles = []

    def run(work, *args):
        try:
            work(*args)
        except OperationalError as trouble:
            troubles.append(str(trouble))
        finally:
            connections.close_all()

    both = [
        threading.Thread(target=run, args=(record, [tried])),
        threading.Thread(target=run, args=(products.put_products, stocked, {"A": {"description": "second"}})),
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert troubles == []
