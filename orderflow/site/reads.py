"""Despatches and stock of a site (docs/reference/orderflow.md#other-operations): bytes to dataclasses. No Django."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from lxml import etree

from orderflow.site.reports import Trouble, root_or_trouble, trouble
from orderflow.site.xml_answers import text_of

MOST_DESPATCHES = 20_000
"""In one answer: above what HUB_RESPONSE_LIMIT_BYTES has room for, so that only its size decides what is too much."""
MOST_TEXT, MOST_URL = 255, 2_000
"""Characters, as the rows that keep them have room for; a longer text is cut."""


@dataclass(frozen=True, slots=True)
class DespatchNote:
    """One completed shipment; ``completed`` as the site wrote it."""

    reference: str
    completed: str
    order_reference: str = ""
    state: str = ""
    courier: str = ""
    despatch_reference: str = ""
    tracking_url: str = ""
    lines: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stock:
    """Counts of one product as the site wrote them; empty where it said nothing."""

    reference: str
    available: str = ""
    total: str = ""
    allocated: str = ""


def despatch_notes(status: int, body: bytes) -> Sequence[DespatchNote] | Trouble:
    """Shipments that have a reference and a time of completion; others are not despatched yet."""
    root = root_or_trouble(status, body, items=MOST_DESPATCHES)
    if isinstance(root, Trouble):
        return root
    if root.tag != "shipments":
        return trouble(status, f"an unexpected <{root.tag}> document: {text_of(root)}")
    return [note for note in map(_note, root.iterfind("shipment")) if note.reference and note.completed]


def _note(shipment: etree._Element) -> DespatchNote:
    def text(name: str, most: int = MOST_TEXT) -> str:
        return text_of(shipment.find(name)).replace("\x00", "")[:most]

    return DespatchNote(
        reference=text("reference"),
        completed=text("completed"),
        order_reference=text("orderReference"),
        state=text("state"),
        courier=text("courier"),
        despatch_reference=text("despatchReference"),
        tracking_url=text("trackingUrl", MOST_URL),
        lines=_added(_lines(shipment)),
    )


def _lines(shipment: etree._Element) -> Iterator[tuple[str, str]]:
    """Product and quantity, whether the site writes them as elements or, as in a detail, as attributes."""
    for line in shipment.iter("orderLine"):
        product = text_of(line.find("product")) or line.get("product", "")
        yield product, text_of(line.find("quantity")) or line.get("quantity", "")


def _added(lines: Iterator[tuple[str, str]]) -> dict[str, str]:
    held: dict[str, Decimal] = {}
    for product, quantity in lines:
        try:
            held[product] = held.get(product, Decimal(0)) + Decimal(quantity)
        except InvalidOperation:
            continue
    return {product: str(quantity) for product, quantity in held.items()}


def stock_list(status: int, body: bytes, *, items: int) -> Sequence[Stock] | Trouble:
    """The products that the site knows among those asked for."""
    root = root_or_trouble(status, body, items=items)
    if isinstance(root, Trouble):
        return root
    if root.tag != "inventory":
        return trouble(status, f"an unexpected <{root.tag}> document: {text_of(root)}")
    return [
        Stock(*(product.get(name, "") for name in ("externalReference", "available", "total", "allocated")))
        for product in root.iterfind("product")
    ]
