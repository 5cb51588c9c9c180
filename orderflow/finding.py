"""Orders named by a reference that the warehouse knows them by. Named in ``settings.ORDER_FINDERS``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orderflow.models import WarehouseOrder
from orders.values.order_key import OrderKey


def named(text: str, tenant_id: int | None) -> Iterator[tuple[str, Iterable[OrderKey]]]:
    """``tenant_id`` None: of everybody."""
    places = WarehouseOrder.objects.filter(reference__in={text, text.upper()}).select_related("channel__destination")
    own = places if tenant_id is None else places.filter(channel__destination__tenant=tenant_id)
    yield "OrderFlow reference", (place.key(place.channel.destination.tenant_id) for place in own[:50])
