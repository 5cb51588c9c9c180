"""The personal values that the hub knows of orders, for taking them out of free text about these orders.

What is known is found for certain; a recogniser of names and addresses would guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db.models import F

from orders.masking.documents import MASK, Masker, PersonalValue, values_in_json
from orders.models import Order, OrderEvent, OrderQueue
from orders.values.order_key import OrderKey

NEWEST = 100
"""Events of an order whose bodies are read for values that an older text may quote: far more than orders have."""

Known = dict[OrderKey, set[PersonalValue]]


def known_values(keys: Collection[OrderKey]) -> Known:
    """Of each order's document and its newest events as they were received, in three queries."""
    found: Known = defaultdict(set)
    queues = {queue.pk: queue.key for queue in _queues(keys)}
    for pk, document in Order.objects.filter(pk__in=queues).values_list("pk", "document"):
        found[queues[pk]] |= values_in_json(document)
    newest = OrderEvent.objects.filter(queue__in=list(queues), sequence__gt=F("queue__last_sequence") - NEWEST)
    for pk, payload in newest.values_list("queue_id", "payload"):
        found[queues[pk]] |= values_in_json(payload)
    return found


def _queues(keys: Collection[OrderKey]) -> Iterable[OrderQueue]:
    wanted = set(keys)
    some = OrderQueue.objects.filter(
        tenant__in={key.tenant_id for key in wanted},
        business_unit_id__in={key.business_unit_id for key in wanted},
        customer_order_id__in={key.customer_order_id for key in wanted},
    )
    return [queue for queue in some if queue.key in wanted]


class Maskers:
    """A masker per order, for the rows of one page."""

    def __init__(self, keys: Iterable[OrderKey | None]) -> None:
        wanted = {key for key in keys if key is not None}
        self._known = known_values(wanted) if wanted else {}
        self._made: dict[OrderKey | None, Masker] = {}

    def of(self, key: OrderKey | None) -> Masker:
        """``key`` None: a text about no order, of which no values are known."""
        if key not in self._made:
            self._made[key] = Masker(self._known.get(key, ()) if key else ())
        return self._made[key]


def masker_of(key: OrderKey | None, *, word: str = MASK) -> Masker:
    return Masker(known_values([key]).get(key, ()) if key else (), word=word)
