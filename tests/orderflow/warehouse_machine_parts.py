"""What the state machine of the warehouse is made of: orders, faults, requests under way and a slow site."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from orderflow.site.client import CALL_SECONDS, Reply
from orderflow.site.reports import Kind, Trouble
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
