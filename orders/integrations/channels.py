"""The seam between the core and the apps that send orders to partners.

A *channel* is a kind of destination (supplier webhooks, OrderFlow imports). An integration provides its channels
(orders.integrations.base); the core never imports them. Data flows one way:

    applied event -> Change -> Planner.plan -> deliveries -> claimed lanes -> Channel.group -> Channel.send -> Outcome

``plan`` runs inside the applying transaction and must not touch the network; ``send`` runs outside any transaction.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from orders.values.order_key import OrderKey

if TYPE_CHECKING:
    from orders.models import Delivery, Destination, Tenant

LEASE_MARGIN_SECONDS = 15.0
"""A lane's lease is the channel's whole-call limit plus this (docs/design/inbox.md#leases)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One applied event: the order's document before and after it.

    Documents are the parsed ``customerOrder`` objects with numbers as ``Decimal`` or ``int`` and with the tenant's
    status words already translated. ``before`` is None for an order seen for the first time.
    """

    key: OrderKey
    sequence: int
    event_id: uuid.UUID
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    received_at: datetime
    """When the event was received; the order's first reception is the Planner's own to know."""
    applied_at: datetime
    correlation_id: str
    not_notified: str = ""
    """Why nobody is notified, whatever changed (orders.inbox.notification_rule); then no planner is asked."""


@dataclass(frozen=True, slots=True)
class RequiredDelivery:
    """A delivery that a change requires to one destination."""

    destination_id: int
    kind: str
    payload: str
    """What is sent, or what the channel needs to make it when sending. Kept as it is on every try."""
    supersedes_unsent: bool = False
    """True where several unsent changes of one order are one: older pending rows of the lane become superseded."""
    reference: str = ""
    """The partner's name for the thing (an order token, an import reference), for search."""


@dataclass(frozen=True, slots=True)
class NotRequired:
    """Why a change requires no delivery to a destination; the timeline shows "Supplier X not notified: …"."""

    destination_id: int
    because: str


class Planner(Protocol):
    """Decides which deliveries the changes of one batch require. One per batch and tenant; it reads its rows at once.

    Events that changed nothing are never planned.
    """

    def plan(self, change: Change) -> Iterable[RequiredDelivery | NotRequired]:
        """Called once per applied event, in sequence, inside the applying transaction. No network."""

    def save(self) -> None:
        """Store what the planner keeps (tokens, references, the last required state), in the same transaction."""


class Verdict(enum.Enum):
    """How one try of one delivery ended."""

    DELIVERED = "delivered"
    UNAVAILABLE = "unavailable"
    """No verdict from the partner: try again on the schedule, dead after the last step."""
    REJECTED = "rejected"
    """The partner refused this delivery: dead at once, an operator decides."""
    MISCONFIGURED = "misconfigured"
    """Credentials, address or channel are wrong: the destination stops, and no attempts are used up."""
    SUPERSEDED = "superseded"
    """Nothing had to be sent: a later change or the partner's own state made it pointless."""
    HELD = "held"
    """Not tried (stopped, breaker open, lookup needed first): it stays pending and no attempt is counted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one try did, per delivery. ``detail`` is one plain sentence for a person."""

    verdict: Verdict
    detail: str = ""
    response_status: int | None = None
    response_cut: str = ""
    retry_after: float | None = None
    """Seconds the partner asked us to wait; lengthens the schedule's step. Of HELD: before it is tried again."""
    destination_waits: bool = False
    """True when the partner asked the whole destination to wait (429, 503, Retry-After), not this delivery only."""
    counts_for_breaker: bool = False
    """True for refused, unresolved, timeout, cut and 5xx: trouble of the partner's, not of this delivery."""


@dataclass(slots=True)
class Request:
    """One partner request: one webhook, or one OrderFlow document of many imports, all of one destination."""

    destination: Destination
    deliveries: Sequence[Delivery]
    context: dict[str, Any] = field(default_factory=dict)
    """Free for the channel, filled in ``group``."""


class Channel(Protocol):
    """One kind of destination."""

    lease_seconds: float
    """The whole-call limit plus 15 s (docs/design/inbox.md#leases: webhook 45, OrderFlow 315)."""

    def planner(self, tenant: Tenant, keys: Sequence[OrderKey]) -> Planner:
        """The planner for a batch of one tenant's orders; inside the applying transaction."""

    def holds_lane(self, kind: str) -> bool:
        """Whether a dead delivery of this kind holds its lane for a person (docs/design/outbox.md#dead-deliveries)."""

    def batch_size(self, destination: Destination) -> int:
        """How many lane heads of the destination may go out in one partner request (1 for webhooks)."""

    def group(self, destination: Destination, heads: Sequence[Delivery]) -> Iterable[Request]:
        """Group due deliveries of one destination into partner requests. Uses the database, no network.

        Heads have their lanes as claimed. What is written must be guarded by the lease: it may have run out by now.
        """

    def send(self, request: Request) -> Sequence[Outcome]:
        """Send one request, outside any transaction; one outcome per delivery, same order. Never raises for what a
        partner does; an exception means a fault of ours and is recorded as UNAVAILABLE."""

    def recorded(self, outcomes: Sequence[tuple[Delivery, Outcome]]) -> None:
        """Called in the transaction that records the outcomes, so that the channel can store the partner's state."""

    def discarded(self, deliveries: Sequence[Delivery]) -> None:
        """Called in the transaction in which an operator discards a dead delivery, with all deliveries discarded by
        it, in lane order: they are not sent, so the order's next change must not be compared with them."""
