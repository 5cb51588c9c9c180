"""OrderFlow imports as a kind of destination (see ``orders.integrations.channels.Channel``).

Due deliveries of one channel are grouped by how they are sent: those decided without a call, products in one document,
orders in one document, and one by one those of which the warehouse holds, or may hold, something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orderflow.catalogue.products import ProductSender
from orderflow.imports.outcomes import ImportOutcome, troubled
from orderflow.imports.planner import ImportPlanner
from orderflow.imports.reconciliation import reconcile
from orderflow.imports.recording import forget_failure, record_orders, record_product
from orderflow.imports.sending import Outcomes, Sender
from orderflow.imports.shared_answers import without_personal
from orderflow.imports.steps import PRODUCT, SendPath, Step, catalogue_for, mark, steps_of
from orderflow.imports.warehouse_states import Evidence
from orderflow.models import OrderFlowChannel
from orderflow.site.client import CALL_SECONDS, Reply, Site, site_of
from orderflow.site.reports import Trouble
from orders.integrations.channels import LEASE_MARGIN_SECONDS, Outcome, Request
from orders.models import Delivery, Destination, Tenant
from orders.outgoing import Deadline
from orders.values.order_key import OrderKey


class OrderFlowImports:
    """The channel named ``orderflow``."""

    lease_seconds = CALL_SECONDS + LEASE_MARGIN_SECONDS

    def planner(self, tenant: Tenant, keys: Sequence[OrderKey]) -> ImportPlanner:
        return ImportPlanner(tenant, keys)

    def holds_lane(self, kind: str) -> bool:
        """A dead import holds nothing: the order's next change for the warehouse replaces it."""
        return False

    def batch_size(self, destination: Destination) -> int:
        sizes = OrderFlowChannel.objects.filter(destination=destination).values_list("batch_size", flat=True)
        return sizes.first() or 1

    def group(self, destination: Destination, heads: Sequence[Delivery]) -> Iterable[Request]:
        channel = OrderFlowChannel.objects.select_related("destination").get(destination=destination)
        steps = steps_of(channel, heads)
        site, catalogue = site_of(channel), catalogue_for(channel, steps)
        steps = mark(steps)
        requests = []
        for path in SendPath:
            own = [step for step in steps if step.path is path]
            size = 1 if path is SendPath.ALONE else channel.batch_size
            requests += [_request(channel, site, catalogue, own[at : at + size]) for at in range(0, len(own), size)]
        return requests

    def send(self, request: Request) -> Sequence[Outcome]:
        steps: Sequence[Step] = request.context["steps"]
        outcomes = _sent(steps, **{name: request.context[name] for name in ("channel", "site", "catalogue")})
        outcomes = without_personal(steps, outcomes)
        return [replace(outcomes[step.delivery.pk], row_id=step.row_id) for step in steps]

    def recorded(self, outcomes: Sequence[tuple[Delivery, Outcome]]) -> None:
        known = [(one, outcome) for one, outcome in outcomes if isinstance(outcome, ImportOutcome) and outcome.row_id]
        record_orders([(one, outcome) for one, outcome in known if one.kind != PRODUCT])
        for one, outcome in known:
            if one.kind == PRODUCT:
                record_product(one, outcome)

    def discarded(self, deliveries: Sequence[Delivery]) -> None:
        """The order of a discarded refusal is no longer listed as refused. Its last required import stays, so that only
        a different document is sent by itself; an operator may have solved this one with the warehouse."""
        for one in deliveries:
            if one.kind != PRODUCT:
                forget_failure(one)


def _request(
    channel: OrderFlowChannel, site: Site | Trouble, catalogue: Mapping[str, Any], steps: Sequence[Step]
) -> Request:
    context = {"steps": steps, "channel": channel, "site": site, "catalogue": catalogue}
    return Request(channel.destination, [step.delivery for step in steps], context)


def _sent(
    steps: Sequence[Step], *, channel: OrderFlowChannel, site: Site | Trouble, catalogue: Mapping[str, Any]
) -> Outcomes:
    """Send the steps of one request, which have the same path. Makes no query: sending threads need no connections."""
    path = steps[0].path
    if path is SendPath.DECIDED:
        return {step.delivery.pk: step.outcome for step in steps if step.outcome is not None}
    if isinstance(site, Trouble):
        return {
            step.delivery.pk: troubled(
                site, Reply(), holding=None if path is SendPath.PRODUCTS else step.learned(Evidence.NOTHING_DONE)
            )
            for step in steps
        }
    deadline = Deadline.after(CALL_SECONDS)
    if path is SendPath.PRODUCTS:
        return ProductSender(site, deadline).send(steps)
    sender = Sender(site, channel, deadline, catalogue)
    if path is SendPath.ORDERS:
        return sender.send(steps)
    return {step.delivery.pk: reconcile(sender, step) for step in steps}
