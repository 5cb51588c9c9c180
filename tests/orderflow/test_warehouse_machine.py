"""A warehouse whose answers are lost, that refuses and fails, while orders change and couriers die, in any order.

The site is the simulated one, over loopback. What the hub believes of it is compared after every step with what it
holds; once everything has settled it holds each wanted order once, as it is now, and no cancelled one.
"""

from __future__ import annotations

import uuid
from contextlib import suppress

import pytest
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from orderflow.imports import steps
from orderflow.models import WarehouseOrder
from orderflow.site.client import Site
from orders.database.clock import DatabaseClock
from orders.dead_letters import dead_deliveries, operations
from orders.dead_letters.dead_deliveries import SetAside
from orders.dead_letters.operations import Busy
from orders.integrations import channels
from orders.models import Delivery, Destination, Lane
from orders.monitoring.invariants import broken_invariants
from orders.outbox import destination_health, lane_heads
from orders.outbox.dispatcher import requests_of
from orders.outbox.lane_heads import claim_heads
from orders.outbox.outcomes import CompletedAttempt, record
from tests.orderflow.conftest import Book, an_order, call_limit_passes
from tests.orderflow.warehouse_machine_parts import (
    FAULTS,
    LOST,
    MOST_CALLS,
    ORDERS,
    QUANTITIES,
    ROUNDS_TO_SETTLE,
    STATUSES,
    TOWNS,
    CourierDied,
    Slowness,
    UnderWay,
    a_channel,
    only_by_the_table,
    version,
)
from tests.state_machines import EXAMPLES, InOneTransaction, run_machine

pytestmark = [pytest.mark.fuzz, pytest.mark.django_db]

STEPS = 30


class WarehouseMachine(InOneTransaction):
    site = None
    """The simulated site; set by the test."""
    slowness = None

    def __init__(self):
        super().__init__()
        self.slowness.travelling.clear()
        self.slowness.mode = ""
        self.site.site.clear()
        self.site.faults.clear()
        self.site.site.checks_before_duplicates = True
        self.channel = a_channel(self.site)
        self.book = Book(self.channel.destination.tenant)
        self.under_way = []
        self.stalled = []
        """Claims whose dispatchers have marked and sent nothing yet."""
        self.versions = {}
        """(order, digest of the import) -> the version that it says."""
        self.stock(active=True)

    def stock(self, *, active):
        self.site.site.add_product("A", channel="MYCHANNEL", active=active)

    @initialize(first=version)
    def a_past(self, first):
        for order in ORDERS:
            self.change(order, first, "CREATED")

    @rule(order=st.sampled_from(ORDERS), to=version, status=st.sampled_from(STATUSES))
    def change(self, order, to, status):
        quantity, town = to
        address = {"name": "Jo", "line1": "1 High Street", "city": town, "postalCode": "EH1", "countryCode": "GB"}
        self.book.apply(an_order(("A", quantity), order_id=order, status=status, deliveryAddress=address))
        row = self.places().filter(customer_order_id=order).first()
        if row is not None and row.owed_digest:
            self.versions.setdefault((order, row.owed_digest), to)

    @rule(order=st.sampled_from(ORDERS), to=version)
    def cancel(self, order, to):
        self.change(order, to, "CANCELLED")

    @rule(order=st.sampled_from(ORDERS), to=version)
    def a_lost_answer_then_a_refusal(self, order, to):
        """The shortest way to a refusal that proves nothing."""
        self.change(order, to, "CREATED")
        self.a_whole_round([LOST], dies=False)
        self.stock(active=False)
        self.a_whole_round([], dies=False)
        self.stock(active=True)

    @rule(order=st.sampled_from(ORDERS), to=version, status=st.sampled_from(("CREATED", "CANCELLED", "FULFILLED")))
    def a_change_in_flight(self, order, to, status):
        """Between the claim and the call."""
        self.a_dispatcher_claims()
        self.change(order, to, status)

    @rule(order=st.sampled_from(ORDERS), status=st.sampled_from(("CREATED", "CANCELLED", "FULFILLED")))
    def a_dispatcher_dies_over_a_change(self, order, status):
        self.change(order, (1, TOWNS[0]), "CREATED")
        self.a_dispatcher_claims()
        self.change(order, (2, TOWNS[0]), status)
        for flying in list(self.under_way):
            self.lose(flying)

    @rule(order=st.sampled_from(ORDERS), quantity=st.sampled_from(QUANTITIES))
    def there_and_back_while_dispatchers_die(self, order, quantity):
        for town in TOWNS:
            self.change(order, (quantity, town), "CREATED")
            self.a_whole_round([], dies=True)
        self.change(order, (quantity, TOWNS[0]), "CREATED")

    @rule(active=st.booleans())
    def the_site_knows_the_product(self, active):
        """While it does not, it refuses every import, also of an order that it holds."""
        self.stock(active=active)

    @rule()
    def a_dispatcher_claims(self):
        for claimed in self.claimed():
            for sent in self.it_goes_on(claimed):
                self.nothing_outdated_is_sent(sent)

    @rule()
    def a_dispatcher_claims_and_stalls(self):
        self.stalled += self.claimed()

    @precondition(lambda self: self.stalled)
    @rule(data=st.data(), runs_out=st.booleans())
    def a_stalled_dispatcher_goes_on(self, data, runs_out):
        claimed = data.draw(st.sampled_from(self.stalled))
        if runs_out:
            self.run_out(claimed.lease)
        else:
            self.stalled.remove(claimed)
            self.it_goes_on(claimed)

    @rule(order=st.sampled_from(ORDERS), status=st.sampled_from(STATUSES))
    def a_dispatcher_stalls_while_another_sends(self, order, status):
        self.change(order, (1, TOWNS[0]), "CREATED")
        claims = self.claimed()
        for claimed in claims:
            self.run_out(claimed.lease)
        self.a_whole_round([], dies=False)
        self.change(order, (2, TOWNS[0]), status)
        self.a_whole_round([], dies=False)
        for claimed in claims:
            self.it_goes_on(claimed)
        for flying in self.uncalled():
            self.call(flying, [])
            self.end(flying)

    @precondition(lambda self: self.uncalled())
    @rule(data=st.data(), faults=st.lists(st.sampled_from(FAULTS), max_size=MOST_CALLS))
    def the_site_is_called(self, data, faults):
        flying = data.draw(st.sampled_from(self.uncalled()))
        self.call(flying, faults)

    @precondition(lambda self: self.called())
    @rule(data=st.data())
    def the_outcome_is_recorded(self, data):
        self.end(data.draw(st.sampled_from(self.called())))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def a_dispatcher_dies(self, data):
        self.lose(data.draw(st.sampled_from(self.under_way)))

    @precondition(lambda self: self.uncalled())
    @rule(data=st.data(), dies=st.booleans())
    def a_call_takes_too_long(self, data, dies):
        self.call_slowly(data.draw(st.sampled_from(self.uncalled())), dies=dies)

    @precondition(lambda self: self.slowness.travelling)
    @rule(data=st.data())
    def a_late_call_arrives(self, data):
        travelling = self.slowness.travelling
        travelling.pop(data.draw(st.integers(0, len(travelling) - 1)))()

    @rule(order=st.sampled_from(ORDERS), status=st.sampled_from(("CREATED", "CANCELLED")), dies=st.booleans(),
          resent=st.booleans(), arrives=st.booleans())  # fmt: skip
    def a_change_while_a_call_travels(self, order, status, dies, resent, arrives):
        self.change(order, (1, TOWNS[0]), "CREATED")
        self.a_dispatcher_claims()
        for flying in self.uncalled():
            self.call_slowly(flying, dies=dies)
        if resent:
            self.a_whole_round([], dies=False)
        self.change(order, (2, TOWNS[0]), status)
        if arrives:
            self.late_calls_arrive()
        self.a_whole_round([], dies=False)
        self.late_calls_arrive()

    @rule()
    def the_call_limit_passes(self):
        """Nobody is at work on anything any more."""
        for flying in list(self.under_way):
            self.lose(flying)
        for claimed in self.stalled:
            self.run_out(claimed.lease)
        self.late_calls_arrive()
        call_limit_passes()

    @rule(faults=st.lists(st.sampled_from(FAULTS), max_size=MOST_CALLS), dies=st.booleans())
    def a_whole_round(self, faults, dies):
        """Claimed, called, and recorded or lost: the shortest way to a past worth having."""
        self.a_dispatcher_claims()
        for flying in self.uncalled():
            self.call(flying, faults)
            self.lose(flying) if dies else self.end(flying)

    @precondition(lambda self: self.deliveries("dead", "delivered"))
    @rule(data=st.data())
    def a_person_sends_again(self, data):
        delivery = data.draw(st.sampled_from(self.deliveries("dead", "delivered")))
        with suppress(Busy, SetAside):
            dead_deliveries.redeliver(delivery, who="ada")

    @invariant()
    def the_hub_knows_of_the_site_what_is_so(self):
        for row in self.places():
            if not self.flying(row.customer_order_id):
                held, there = row.state == "held", self.there(row.customer_order_id)
                if row.state in ("absent", "cancelled"):
                    assert there is None, f"{row} is {row.state}, and the site holds {there}"
                if held:
                    assert there is not None, f"{row} is held, and the site holds nothing"
                if held and row.digest:
                    assert there == self.versions[row.customer_order_id, row.digest], f"{row} is another version"

    @invariant()
    def an_order_of_which_nothing_is_left_to_do_is_there_as_wanted(self):
        for key, document in self.book.documents.items():
            lanes = Lane.objects.filter(
                destination=self.channel.destination_id, customer_order_id=key.customer_order_id
            )
            idle = not lanes.filter(due_at__isnull=False).exists()
            if idle and not Delivery.objects.filter(lane__in=lanes, status="dead").exists():
                self.the_site_holds_what_is_wanted(key.customer_order_id, document)

    @invariant()
    def the_site_has_one_of_an_order_at_most(self):
        for order in ORDERS:
            assert len(self.open_orders(order)) <= 1

    @invariant()
    def every_row_agrees_with_the_others(self):
        assert broken_invariants(self.channel.destination.tenant_id) == []

    def settle(self):
        for flying in list(self.under_way):
            self.lose(flying)
        self.site.faults.clear()
        self.stock(active=True)
        for _ in range(ROUNDS_TO_SETTLE):
            self.the_call_limit_passes()
            for dead in self.deliveries("dead"):
                dead_deliveries.retry(dead, who="ada")
            self.a_whole_round([], dies=False)
        assert not self.deliveries("dead", "pending")
        self.every_row_agrees_with_the_others()
        self.the_hub_knows_of_the_site_what_is_so()
        for key, document in self.book.documents.items():
            self.the_site_holds_what_is_wanted(key.customer_order_id, document)

    def the_site_holds_what_is_wanted(self, order, document):
        there, wanted = (
            self.there(order),
            (document["items"][0]["quantityOrdered"], document["deliveryAddress"]["city"]),
        )
        if document["status"] == "CANCELLED":
            assert there is None, f"the site holds the cancelled order {order}"
        elif document["status"] == "CREATED":
            assert there == wanted, f"the site holds {there} of {order}"

    def claimed(self):
        """What a dispatcher claims; nothing is marked or sent yet."""
        self.time_comes()
        with_others = {pk for flying in self.under_way for pk in self.leased(flying.sent.lease)}
        with_others |= {pk for one in self.stalled for pk in self.leased(one.lease)}
        claims = claim_heads(10, most=10)
        lanes = {head.lane_id for claimed in claims for head in claimed.heads}
        assert not with_others & lanes, "two couriers have one lane"
        return claims

    def it_goes_on(self, claimed):
        sent = requests_of(claimed)
        self.under_way += map(UnderWay, sent)
        return sent

    def leased(self, lease):
        return Lane.objects.filter(lease=lease, due_at__gt=DatabaseClock().now()).values_list("pk", flat=True)

    def run_out(self, lease):
        Lane.objects.filter(lease=lease).update(due_at=DatabaseClock().now(-1))

    def nothing_outdated_is_sent(self, sent):
        """An import that is claimed is of an order that wants it; what happens from now on is in flight."""
        now = {key.customer_order_id: document["status"] for key, document in self.book.documents.items()}
        for step in sent.request.context["steps"]:
            if step.item is not None:
                assert now[step.delivery.lane.customer_order_id] == "CREATED", "an import of an ended order is sent"

    def call(self, flying, faults):
        """The first of ``faults`` befalls the first call, and so on; those after them go well."""
        for fault in faults:
            self.site.fail(**(fault or {"delay": 0}))
        flying.outcomes = list(channels()["orderflow"].send(flying.sent.request))
        self.site.faults.clear()

    def call_slowly(self, flying, *, dies):
        self.slowness.mode = "dies" if dies else "gives up"
        try:
            flying.outcomes = list(channels()["orderflow"].send(flying.sent.request))
            self.end(flying)
        except CourierDied:
            self.lose(flying)
        finally:
            self.slowness.mode = ""

    def late_calls_arrive(self):
        while self.slowness.travelling:
            self.slowness.travelling.pop(0)()

    def end(self, flying):
        self.under_way.remove(flying)
        request, began = flying.sent.request, timezone.now()
        record(
            [
                CompletedAttempt(delivery, request.destination, flying.sent.lease, outcome, uuid.uuid4(), began, 1.0)
                for delivery, outcome in zip(flying.deliveries, flying.outcomes, strict=True)
            ]
        )

    def lose(self, flying):
        """Its leases run out."""
        self.under_way.remove(flying)
        lanes = Lane.objects.filter(pk__in=[one.lane_id for one in flying.deliveries], lease=flying.sent.lease)
        lanes.update(due_at=DatabaseClock().now(-1))

    def time_comes(self):
        """Retries come due, and the site's credentials are right again."""
        destination_health.resume(Destination.objects.get(pk=self.channel.destination_id), who="ada")
        Destination.objects.filter(pk=self.channel.destination_id).update(waits_until=None)
        lanes = Lane.objects.filter(destination=self.channel.destination_id, lease__isnull=True, due_at__isnull=False)
        lanes.update(due_at=DatabaseClock().now(-1))

    def uncalled(self):
        return [flying for flying in self.under_way if not flying.outcomes]

    def called(self):
        return [flying for flying in self.under_way if flying.outcomes]

    def flying(self, order):
        lanes = Lane.objects.filter(destination=self.channel.destination_id, customer_order_id=order)
        return lanes.filter(lease__isnull=False).exists()

    def places(self):
        return WarehouseOrder.objects.filter(channel=self.channel)

    def deliveries(self, *statuses):
        rows = Delivery.objects.filter(destination=self.channel.destination_id, status__in=statuses)
        return list(rows.select_related("destination").order_by("lane", "position"))

    def open_orders(self, order):
        held = self.site.site.orders.values()
        return [one for one in held if one.open and one.properties["externalReference"] == order]

    def there(self, order):
        """The version that the site holds; None for nothing."""
        found = self.open_orders(order)
        return (found[0].lines[0].quantity, found[0].properties["deliveryAddressLine3"]) if found else None


def test_the_site_ends_with_every_wanted_order_once_and_no_cancelled_one(db, site, monkeypatch, settings):
    settings.HUB_BREAKER_FAILURES = 0
    monkeypatch.setattr(lane_heads, "LEASE_SECONDS", 3600.0)
    monkeypatch.setattr(operations, "BUSY_SECONDS", 0.0)
    monkeypatch.setattr(WarehouseMachine, "site", site)
    slowness = Slowness()
    monkeypatch.setattr(WarehouseMachine, "slowness", slowness)
    monkeypatch.setattr(Site, "imports", slowness.wrap(Site.imports))
    monkeypatch.setattr(Site, "cancel", slowness.wrap(Site.cancel))
    monkeypatch.setattr(steps, "learned", only_by_the_table)
    run_machine(WarehouseMachine, examples=EXAMPLES // 2, steps=STEPS)
