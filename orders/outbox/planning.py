"""Plan the deliveries that a batch of changes requires: every channel answers with deliveries or a reason why not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from orders.integrations import channels
from orders.integrations.channels import Change, NotRequired, Planner, RequiredDelivery
from orders.models import Tenant
from orders.outbox.deliveries import NewDelivery, add_deliveries, new_delivery
from orders.values.order_key import OrderKey

RequiredOf = list[dict[str, Any]]


class Plan:
    """Collects the required deliveries of one applying transaction; ``write`` stores them in bulk."""

    def __init__(self) -> None:
        self._required: list[NewDelivery] = []
        self._planners: dict[str, list[Planner]] = defaultdict(list)
        """By channel: their rows are written channel by channel (docs/design/locks.md)."""
        self.required_of: dict[UUID, RequiredOf] = {}
        """Per event id: which destinations get what, or why not; stored in ``OrderEvent.owes`` for the timeline."""

    def add(self, tenant: Tenant, changes: Sequence[Change], queue_ids: Mapping[OrderKey, int]) -> None:
        """Ask every channel which deliveries the changes of one tenant require, in sequence."""
        for change in changes:
            if change.not_notified:
                self.required_of[change.event_id] = [{"because": change.not_notified}]
        changes = [change for change in changes if not change.not_notified]
        if not changes:
            return
        keys = list(dict.fromkeys(change.key for change in changes))
        planners = {name: channel.planner(tenant, keys) for name, channel in channels().items()}
        for change in changes:
            for planner in planners.values():
                for answer in planner.plan(change):
                    self._note(change, answer, queue_ids[change.key])
        for name, planner in planners.items():
            self._planners[name].append(planner)

    def _note(self, change: Change, answer: RequiredDelivery | NotRequired, queue_id: int) -> None:
        line: dict[str, Any] = {"destination": answer.destination_id}
        if isinstance(answer, RequiredDelivery):
            line["owes"] = answer.kind
            self._required.append(new_delivery(change, queue_id, answer))
        else:
            line["because"] = answer.because
        self.required_of.setdefault(change.event_id, []).append(line)

    def by_destination(self) -> Counter[int]:
        """How many deliveries go to each destination, by its id."""
        return Counter(one.required.destination_id for one in self._required)

    def by_order(self) -> Counter[OrderKey]:
        """How many deliveries each order requires."""
        return Counter(OrderKey(one.tenant_id, one.business_unit_id, one.customer_order_id) for one in self._required)

    def write(self) -> int:
        """Store the deliveries and the planners' rows in the caller's transaction; returns how many deliveries.

        Locks the lanes before the planners' rows, as ``outcomes.record`` does; the other order would deadlock.
        """
        added = len(add_deliveries(self._required))
        for planner in chain.from_iterable(self._planners.values()):
            planner.save()
        return added
