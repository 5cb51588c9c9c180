"""Pairs of transactions that met in a deadlock once, for seconds against each other: PostgreSQL ends none of them."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import replace
from itertools import count

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from orderflow.catalogue.products import put_products
from orderflow.imports.outcomes import decided
from orderflow.imports.warehouse_states import Holding
from orders.access.clients import rotate_secret
from orders.database import lock_errors
from orders.inbox import applying
from orders.integrations.channels import Outcome, Verdict
from orders.models import ApiClient, Destination
from orders.onboarding.files import apply_file
from orders.onboarding.handover import hand_over, mark_for_handover
from orders.outbox.dispatcher import claim_requests
from orders.outbox.outcomes import CompletedAttempt, record
from orders.retention.erasure import Asked, erase
from tests.orderflow.conftest import add_channel, loopback, site, stocked, tenant, warehouse  # noqa: F401
from tests.orders.conftest import fake_channel  # noqa: F401

pytestmark = [pytest.mark.needs_postgres, pytest.mark.django_db(transaction=True)]

SECONDS = 3.0
"""Of one pair; with the lanes taken after the products the first deadlock came within a second."""
ROUNDS_LEAST = 3
"""Of each side, so that a pass says that they met; a busy machine makes some twenty."""
DEADLOCK = "40P01"


class Pair:
    """Two pieces of work, over and over in a thread each; ``states`` has the database's troubles of both."""

    def __init__(self, monkeypatch):
        self.states = []
        self.rounds = {}
        read = lock_errors._state
        monkeypatch.setattr(lock_errors, "_state", lambda error: self._noted(read(error)))

    def run(self, *works):
        until = time.monotonic() + SECONDS
        threads = [threading.Thread(target=self._repeat, args=(work, until)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert DEADLOCK not in self.states
        assert min(self.rounds.values()) >= ROUNDS_LEAST

    def _repeat(self, work, until):
        try:
            for number in count():
                if time.monotonic() > until and number >= ROUNDS_LEAST:
                    break
                work(number)
                self.rounds[work] = number + 1
        except OperationalError as error:
            self.states.append(getattr(error.__cause__, "sqlstate", ""))
        finally:
            connections.close_all()

    def _noted(self, state):
        self.states.append(state)
        return state


@pytest.fixture
def pair(monkeypatch):
    return Pair(monkeypatch)


def record_all(outcome_of):
    """Claims what is due and records what its partner answered; one recording for all destinations."""

    def work(_):
        now = timezone.now()
        record(
            [
                CompletedAttempt(
                    delivery, sent.request.destination, sent.lease, outcome_of(sent, delivery), uuid.uuid4(), now, 1.0
                )
                for sent in claim_requests(1000, most=1000)
                for delivery in sent.request.deliveries
            ]
        )

    return work


def imported(sent, delivery):
    """The product is written too."""
    rows = {step.delivery.pk: step.row_id for step in sent.request.context["steps"]}
    return replace(decided(Verdict.DELIVERED, "", holding=Holding("held", "digest")), row_id=rows[delivery.pk])


def failed(*_):
    """The destination is written too."""
    return FAILED


def delivered(*_):
    return Outcome(Verdict.DELIVERED, response_status=202)


FAILED = Outcome(Verdict.UNAVAILABLE, "answered 500", response_status=500, counts_for_breaker=True)
AT_ONCE = (0.001,) * 100_000
"""A schedule that makes what failed due again, and that no test gets to the end of."""
PRODUCTS = 40


def products(number):
    return {f"sku-{place}_{'ÄaZ'[place % 3]}": {"description": f"version {number}"} for place in range(PRODUCTS)}


def test_storing_products_and_recording_their_outcomes(pair, stocked):
    pair.run(lambda number: put_products(stocked, products(number)), record_all(imported))


ONBOARDED = """
tenants:
- id: acme
  name: Acme
  mode: events
  orderflow_channels:
"""
CHANNEL = """
  - id: {id}
    active: {active}
    base_url: https://{id}-{number}.example.com/rtd2
    channel: SHOP{number}
    auth: {{type: basic, username: u, password: p}}
    item_patterns: ["*"]
    products: [{products}]
"""


def onboarding_file(number):
    """The channels in another order than they were made, with new settings and new products each time."""
    own = ", ".join(f"{{externalReference: sku-{place}, description: v{number}}}" for place in range(PRODUCTS))
    channels = (
        CHANNEL.format(id=name, active=number % 3 > 0, number=number % 2, products=own) for name in ("south", "north")
    )
    return (ONBOARDED + "".join(channels)).encode()


def test_onboarding_and_recording(pair, tenant, add_channel, settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE, settings.HUB_BREAKER_FAILURES = AT_ONCE, 0
    for name in ("north", "south"):
        put_products(add_channel(name), products(0))
    pair.run(lambda number: apply_file(onboarding_file(number), file="f.yaml", who="test"), record_all(failed))


def test_erasing_and_applying(pair, engine, fake_channel):
    for name in ("beans", "peas"):
        Destination.objects.create(tenant=engine.tenant, channel="fake", name=name)
    deliver = record_all(delivered)

    def receive_and_apply(number):
        for order in "abc":
            engine.put(order, status=f"S{number}")
        applying.drain()
        deliver(number)

    receive_and_apply(-1)
    pair.run(receive_and_apply, lambda _: erase(Asked(engine.tenant, "c-77", who="maria")))


def test_handing_over_secrets_and_rotating_one(pair, tenant):
    client = ApiClient.objects.create(tenant=tenant, client_id="till", client_secret="x" * 16)
    mine = ApiClient.objects.get(pk=client.pk)

    def wait_and_hand_over(_):
        mark_for_handover([client])
        hand_over(tenant)

    pair.run(wait_and_hand_over, lambda _: rotate_secret(mine))
