"""The words of a cause for readers who may not see personal data.

All rows of a group have the same cause, so one of them is enough: its error is masked with the known values of its own
order and then reduced to the cause. In the opposite order half of an address would stay, because without its number it
would no longer match the known value.
"""

from __future__ import annotations

from collections.abc import Sequence

from orders.dead_letters.causes import EVENTS, plain
from orders.dead_letters.groups import Group
from orders.masking.known_values import Maskers
from orders.models import Lane, OrderQueue
from orders.values.order_key import OrderKey


def masked_words(groups: Sequence[Group]) -> dict[tuple[str, str], str]:
    """(kind, cause) -> words without personal data; five queries in all."""
    queues = OrderQueue.objects.in_bulk([one.holder for one in groups if one.kind == EVENTS])
    lanes = Lane.objects.in_bulk([one.holder for one in groups if one.kind != EVENTS])

    def key_of(group: Group) -> OrderKey | None:
        if group.kind == EVENTS:
            queue = queues.get(group.holder)
            return queue.key if queue else None
        lane = lanes.get(group.holder)
        return lane.order_key if lane and lane.customer_order_id else None

    keys = {(one.kind, one.cause): key_of(one) for one in groups}
    maskers = Maskers(keys.values())
    return {(one.kind, one.cause): plain(maskers.of(keys[one.kind, one.cause]).text(one.error)) for one in groups}
