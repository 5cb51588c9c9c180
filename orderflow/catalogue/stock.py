"""Asking warehouses for the stock of products, on demand (docs/reference/orderflow.md#stock). Nothing is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from orderflow.models import OrderFlowChannel, Product
from orderflow.site.client import site_of
from orderflow.site.reads import Stock
from orderflow.site.reports import Trouble
from orders.outgoing import Deadline

ASK_SECONDS = 20.0
"""Limit of the call, for which a person waits."""


def asked_stock(products: Sequence[Product]) -> Iterator[tuple[str, bool]]:
    """A sentence per product, and whether it was answered. One call per channel; no transaction may be open."""
    by_channel: dict[OrderFlowChannel, list[str]] = defaultdict(list)
    for product in products:
        by_channel[product.channel].append(product.sku)
    for channel, skus in by_channel.items():
        found = _asked(channel, skus)
        if isinstance(found, Trouble):
            yield f"{channel} did not answer the question: {found.text}", False
            continue
        counts = {stock.reference: stock for stock in found}
        yield from ((_sentence(channel, sku, counts.get(sku)), sku in counts) for sku in skus)


def _asked(channel: OrderFlowChannel, skus: Sequence[str]) -> Sequence[Stock] | Trouble:
    site = site_of(channel)
    if isinstance(site, Trouble):
        return site
    return site.inventory(skus, deadline=Deadline.after(ASK_SECONDS))[0]


def _sentence(channel: OrderFlowChannel, sku: str, stock: Stock | None) -> str:
    if stock is None:
        return f"{channel} knows no product {sku}."
    return (
        f"{channel} has of {sku}: {stock.available or '?'} available, {stock.total or '?'} altogether, "
        f"{stock.allocated or '?'} allocated to orders."
    )
