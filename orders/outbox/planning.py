"""What a batch of changes owes, asked of every channel, and why where it owes nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from orders.integrations import channels
from orders.integrations.channels import (
    Change,
    NotRequired,
    Planner,
    RequiredDelivery,
)
from orders.models import Tenant
from orders.outbox.deliveries import (
    NewDelivery,
    add_deliveries,
    new_delivery,
)
from orders.values.order_key import OrderKey

Owing = list[dict[str, Any]]


class Plan:
    """Collects the debts of one applying transaction; ``write`` puts them down set-wise."""

    def __init__(self) -> None:
        self._debts: list[NewDelivery] = []
        self._planners: dict[str, list[Planner]] = defaultdict(list)
        """By channel: what they remember is written channel by channel (docs/design/locks.md)."""
        self.owing: dict[UUID, Owing] = {}
        """Per event: what it owes to whom, or why nothing; kept on the event for the timeline."""

    def add(self, tenant: Tenant, changes: Sequence[Change], queue_ids: Mapping[OrderKey, int]) -> None:
        """Ask every channel what the changes of one tenant owe, each change in sequence."""
        self.owing |= {change.event_id: [{"because": change.untold}] for change in changes if change.untold}
        changes = [change for change in changes if not change.untold]
        if not changes:
            return
        keys = list(dict.fromkeys(change.key for change in changes))
        planners = {name: channel.planner(tenant, keys) for name, channel in channels().items()}
        for change in changes:
            for planner in planners.values():
                for owed in planner.plan(change):
                    self._note(change, owed, queue_ids[change.key])
        for name, planner in planners.items():
            self._planners[name].append(planner)

    def _note(self, change: Change, owed: RequiredDelivery | NotRequired, queue_id: int) -> None:
        line: dict[str, Any] = {"destination": owed.destination_id}
        if isinstance(owed, RequiredDelivery):
            line["owes"] = owed.kind
            self._debts.append(new_delivery(change, queue_id, owed))
        else:
            line["because"] = owed.because
        self.owing.setdefault(change.event_id, []).append(line)

    def owed(self) -> Counter[int]:
        """How many deliveries are owed to each destination."""
        return Counter(debt.owed.destination_id for debt in self._debts)

    def owed_of(self) -> Counter[OrderKey]:
        """How many deliveries each order owes."""
        return Counter(OrderKey(debt.tenant_id, debt.business_unit_id, debt.customer_order_id) for debt in self._debts)

    def write(self) -> int:
        """Write the debts and what the planners remember; returns how many deliveries are owed.

        Lanes are locked before the planners' rows, as in ``outcomes.record``: the other way round the two deadlock.
        """
        owed = len(add_deliveries(self._debts))
        for planner in chain.from_iterable(self._planners.values()):
            planner.save()
        return owed
