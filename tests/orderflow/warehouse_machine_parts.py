"""What the state machine of the warehouse is made of: orders, faults, requests under way and a slow site."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from hypothesis import strategies as st

from orderflow.imports.warehouse_states import TRANSITIONS, learned
from orderflow.models import OrderFlowChannel
from orderflow.site.client import CALL_SECONDS, Reply
from orderflow.site.credentials import store_password
from orderflow.site.reports import Kind, Trouble
from orders.models import Destination, Tenant
from orders.outgoing import Deadline

ORDERS = ("1001", "1002")
LOST = {"lost": True}
FAULTS = (
    {}, {}, LOST, LOST, {"drop": True}, {"malformed": True}, {"omit": True}, {"status": 503}, {"status": 412},
    {"exception": True},
)  # fmt: skip
"""What goes wrong with one call: nothing, or its answer, or the call itself; 412 are wrong credentials."""
MOST_CALLS = 4
"""An order at most is looked up, cancelled, imported and looked up again."""
ROUNDS_TO_SETTLE = 12
"""Each round ends the head of every lane, and two deliveries of an order are unsent at most."""

QUANTITIES = (1, 2)
TOWNS = ("Leith", "Perth")
"""Two versions that differ in the address alone are the same to a look at lines and quantities."""
STATUSES = ("CREATED", "CREATED", "CANCELLED", "FULFILLED")
version = st.tuples(st.sampled_from(QUANTITIES), st.sampled_from(TOWNS))


@dataclass(eq=False)
class UnderWay:
    """A partner request that a courier has; without ``outcomes`` until its call has come back."""

    sent: object
    outcomes: list = field(default_factory=list)

    @property
    def deliveries(self):
        return self.sent.request.deliveries


class CourierDied(Exception):
    """In the middle of a call."""


class Slowness:
    """A site that is slow at what changes it: the hub stops waiting, and the call arrives when it is let through."""

    def __init__(self):
        self.travelling = []
        self.mode = ""
        """"": calls are answered; "dies": the courier is killed meanwhile; "gives up": it stops waiting."""

    def wrap(self, real):
        def call(site, *arguments, **options):
            if not self.mode:
                return real(site, *arguments, **options)
            options["deadline"] = Deadline.after(CALL_SECONDS)
            self.travelling.append(lambda: real(site, *arguments, **options))
            if self.mode == "dies":
                raise CourierDied
            return Trouble(Kind.UNAVAILABLE, "OrderFlow did not answer.", partner=True), Reply()

        return call


def a_channel(site):
    slug = uuid.uuid4().hex
    tenant = Tenant.objects.create(slug=slug, name=slug, mode="events")
    destination = Destination.objects.create(
        tenant=tenant, channel="orderflow", name="main", concurrency=8, retry_schedule=[3600]
    )
    channel = OrderFlowChannel.objects.create(
        destination=destination, base_url=site.base_url, channel="MYCHANNEL", username="philz", item_patterns=["*"],
        import_missing_products=False,
    )  # fmt: skip
    store_password(channel, "pässword")
    return channel


def only_by_the_table(before, evidence, *, digest):
    assert before.state in TRANSITIONS[evidence], f"{evidence.name} in the state {before.state}"
    return learned(before, evidence, digest=digest)
