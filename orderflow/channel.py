"""OrderFlow imports as a kind of destination (see ``orders.channels.Channel``).

Due deliveries of one channel are sorted by the road they take: what is decided without a call, products in one
document, orders in one document, and one by one those of which the warehouse holds, or may hold, something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import QuerySet

from orderflow.catalogue import ProductSender
from orderflow.models import OrderFlowChannel, Product, WarehouseOrder
from orderflow.outcomes import ImportOutcome, troubled
from orderflow.owing import IMPORT
from orderflow.payloads import Snapshot
from orderflow.planning import ImportPlanner
from orderflow.reports import Trouble
from orderflow.sending import Outcomes, Sender
from orderflow.settling import settle
from orderflow.site import CALL_SECONDS, Reply, Site, site_of
from orderflow.steps import PRODUCT, Road, Step, catalogue_for, mark, steps_of
from orders.channels import OrderKey, Outcome, Request, Verdict
from orders.models import Delivery, Destination, Tenant
from orders.outgoing import Deadline

LEASE_MARGIN_SECONDS = 15.0
"""A lane's lease is the whole-call limit plus this (design.md, section 4)."""


class OrderFlowImports:
    """The channel named ``orderflow``."""

    lease_seconds = CALL_SECONDS + LEASE_MARGIN_SECONDS

    def planner(self, tenant: Tenant, keys: Sequence[OrderKey]) -> ImportPlanner:
        return ImportPlanner(tenant, keys)

    def holds_lane(self, kind: str) -> bool:
        """A dead import lets its successors go: the order's next warehouse change takes its place."""
        return False

    def batch_size(self, destination: Destination) -> int:
        sizes = OrderFlowChannel.objects.filter(destination=destination).values_list("batch_size", flat=True)
        return sizes.first() or 1

    def group(self, destination: Destination, heads: Sequence[Delivery]) -> Iterable[Request]:
        channel = OrderFlowChannel.objects.select_related("destination").get(destination=destination)
        steps = steps_of(channel, heads)
        mark(steps)
        site, catalogue = site_of(channel), catalogue_for(channel, steps)
        requests = []
        for road in Road:
            own = [step for step in steps if step.road is road]
            size = 1 if road is Road.ALONE else channel.batch_size
            requests += [_request(channel, site, catalogue, own[at : at + size]) for at in range(0, len(own), size)]
        return requests

    def send(self, request: Request) -> Sequence[Outcome]:
        steps: Sequence[Step] = request.context["steps"]
        outcomes = _sent(steps, **{name: request.context[name] for name in ("channel", "site", "catalogue")})
        return [replace(outcomes[step.delivery.pk], row_id=step.row_id) for step in steps]

    def recorded(self, outcomes: Sequence[tuple[Delivery, Outcome]]) -> None:
        for delivery, outcome in outcomes:
            if not isinstance(outcome, ImportOutcome) or not outcome.row_id:
                continue
            if delivery.kind == PRODUCT:
                _record_product(delivery, outcome)
            else:
                _record_order(delivery, outcome)


def _request(
    channel: OrderFlowChannel, site: Site | Trouble, catalogue: Mapping[str, Any], steps: Sequence[Step]
) -> Request:
    context = {"steps": steps, "channel": channel, "site": site, "catalogue": catalogue}
    return Request(channel.destination, [step.delivery for step in steps], context)


def _sent(
    steps: Sequence[Step], *, channel: OrderFlowChannel, site: Site | Trouble, catalogue: Mapping[str, Any]
) -> Outcomes:
    """All steps of a request take the same road. Touches no database: a courier's threads need no connections."""
    road = steps[0].road
    if road is Road.DECIDED:
        return {step.delivery.pk: step.outcome for step in steps if step.outcome is not None}
    if isinstance(site, Trouble):
        return {
            step.delivery.pk: troubled(site, Reply(), holding=None if road is Road.PRODUCTS else step.before)
            for step in steps
        }
    deadline = Deadline.after(CALL_SECONDS)
    if road is Road.PRODUCTS:
        return ProductSender(site, deadline).send(steps)
    sender = Sender(site, channel, deadline, catalogue)
    if road is Road.ORDERS:
        return sender.send(steps)
    return {step.delivery.pk: settle(sender, step) for step in steps}


def _record_order(delivery: Delivery, outcome: ImportOutcome) -> None:
    """Note what the warehouse now holds, and why not what it should."""
    rows = WarehouseOrder.objects.filter(pk=outcome.row_id)
    failure = outcome.detail if delivery.status == Delivery.Status.DEAD else ""
    if outcome.holding is None:
        rows.update(failure=failure)
        return
    rows.update(failure=failure, state=outcome.holding.state, digest=outcome.holding.digest)
    if outcome.verdict is Verdict.DELIVERED and delivery.kind == IMPORT:
        _adopt(rows, delivery, outcome.holding.digest)


def _adopt(rows: QuerySet[WarehouseOrder], delivery: Delivery, sent: str) -> None:
    """Where settings changed between planning and sending, what was owed is what was sent."""
    planned = Snapshot.read(delivery.payload).digest
    if planned != sent:
        rows.filter(owed_digest=planned).update(owed_digest=sent)


def _record_product(delivery: Delivery, outcome: ImportOutcome) -> None:
    rows = Product.objects.filter(pk=outcome.row_id)
    if delivery.status == Delivery.Status.DEAD:
        rows.update(failure=outcome.detail)
    elif outcome.holding is not None:
        rows.update(held_digest=outcome.holding.digest, failure="")
