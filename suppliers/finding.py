"""Orders named by what only suppliers' rows know: an order token, also of a supplier without a webhook; an event of
theirs. Named in ``settings.ORDER_FINDERS``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orders.database.ids import read_id
from orders.values.order_key import OrderKey
from suppliers.models import SupplierEvent, SupplierPart


def named(text: str, tenant_id: int | None) -> Iterator[tuple[str, Iterable[OrderKey]]]:
    """``tenant_id`` None: of everybody."""
    wanted = read_id(text)
    if wanted is None:
        return
    own = {} if tenant_id is None else {"tenant": tenant_id}
    yield "order token", (part.key for part in SupplierPart.objects.filter(order_token=wanted, **own))
    events = SupplierEvent.objects.filter(pk=wanted).select_related("part")
    yield "supplier's event id", (event.part.key for event in events if event.part)
