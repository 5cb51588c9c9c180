"""The words of a cause for whoever may not see personal data.

All rows of a group say the same once numbers and quotes are taken out, so one of them is enough: its error is covered
by what is known of its own order, then brought to its cause. The other way round half of an address would stay: nothing
known has the form that a number leaves behind.
"""

from __future__ import annotations

from collections.abc import Sequence

from orders.dead_letters.causes import (
    EVENTS,
    plain,
)
from orders.dead_letters.groups import Group
from orders.masking.known_values import Maskers
from orders.models import Lane, OrderQueue
from orders.values.order_key import OrderKey


def covered_words(groups: Sequence[Group]) -> dict[tuple[str, str], str]:
    """(road, cause) -> words without personal values; five queries, however many groups."""
    queues = OrderQueue.objects.in_bulk([one.holder for one in groups if one.road == EVENTS])
    lanes = Lane.objects.in_bulk([one.holder for one in groups if one.road != EVENTS])

    def key_of(group: Group) -> OrderKey | None:
        if group.road == EVENTS:
            queue = queues.get(group.holder)
            return queue.key if queue else None
        lane = lanes.get(group.holder)
        return lane.order_key if lane and lane.customer_order_id else None

    keys = {(one.road, one.cause): key_of(one) for one in groups}
    maskers = Maskers(keys.values())
    return {(one.road, one.cause): plain(maskers.of(keys[one.road, one.cause]).text(one.error)) for one in groups}
