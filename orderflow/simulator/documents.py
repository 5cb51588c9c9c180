"""The XML that the simulated OrderFlow site answers (docs/reference/orderflow.md#results)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from orderflow.simulator.imports import Import
from orderflow.simulator.site import Order, Site

ENTITIES = {"product": "rtd.domain.database.Product", "order": "rtd.domain.database.Order"}
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(slots=True)
class Results:
    """What became of the imports of one document."""

    successes: list[Import] = field(default_factory=list)
    failures: list[tuple[Import, str]] = field(default_factory=list)
    duplicates: list[tuple[Import, str]] = field(default_factory=list)

    def document(self, *, at: datetime) -> str:
        """The ``<importResult>``; the duplicates' section only when there are any."""
        query_time = at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d}"
        root = etree.Element("importResult")
        section = etree.SubElement(root, "importSuccesses")
        for item in self.successes:
            done = {"entity": ENTITIES.get(item.type, ""), "item": item.reference}
            etree.SubElement(section, "import", {**_named(item), **done, "queryTime": query_time})
        self._listed(root, "failure", self.failures, query_time)
        if self.duplicates:
            self._listed(root, "duplicate", self.duplicates, query_time)
        return written(root)

    @staticmethod
    def _listed(root: etree._Element, word: str, items: list[tuple[Import, str]], query_time: str) -> None:
        section = etree.SubElement(root, f"import{word.capitalize()}s")
        for item, message in items:
            element = etree.SubElement(section, "import", {**_named(item), "queryTime": query_time})
            etree.SubElement(element, f"{word}Message").text = message
            etree.SubElement(element, f"{word}Detail")


def _named(item: Import) -> dict[str, str]:
    return {"type": item.type, "operation": item.operation, "externalReference": item.reference}


def written(root: etree._Element) -> str:
    return HEAD + etree.tostring(root, encoding="unicode", pretty_print=True)


def error(message: str, *, well_formed: bool = True) -> str:
    """An error body; the malformed kind has the stray end tag of the published sample."""
    text = message.replace("'", "&apos;")
    stray = "" if well_formed else "</message>\n"
    return (
        f"{HEAD}<error>\n  <message>\n     <![CDATA[{text}]]></message>\n"
        f"  <detail>\n       <![CDATA[{text}(at the site ...]]>\n  </detail>\n{stray}</error>\n"
    )


def exception(message: str) -> str:
    root = etree.Element("exception")
    etree.SubElement(root, "message").text = message
    return written(root)


def message(text: str) -> str:
    root = etree.Element("message")
    root.text = text
    return written(root)


def detail(order: Order) -> str:
    root = etree.Element("order", externalReference=order.reference, state=order.state)
    shipment = etree.SubElement(
        etree.SubElement(root, "shipments"),
        "shipment",
        sequence="1",
        state=order.state if order.state != "created" else order.properties.get("shipment.state", "created"),
        externalReference=order.shipment,
        courier=order.courier,
        despatchReference=order.despatch_reference,
    )
    lines = etree.SubElement(shipment, "orderLines")
    for line in order.lines:
        quantity = str(line.quantity)
        etree.SubElement(lines, "orderLine", product=line.product, quantity=quantity, state=order.state)
    return written(root)


def inventory(site: Site, references: Iterable[str]) -> str:
    root = etree.Element("inventory")
    for stock in site.inventory(references):
        etree.SubElement(root, "product", stock)
    return written(root)


def despatches(orders: Iterable[Order], *, with_lines: bool) -> str:
    root = etree.Element("shipments")
    for order in orders:
        shipment = etree.SubElement(root, "shipment")
        for name, text in _despatch(order).items():
            etree.SubElement(shipment, name).text = text
        if with_lines:
            lines = etree.SubElement(shipment, "orderLines")
            for line in order.lines:
                element = etree.SubElement(lines, "orderLine")
                etree.SubElement(element, "product").text = line.product
                etree.SubElement(element, "quantity").text = str(line.quantity)
    return written(root)


def _despatch(order: Order) -> Mapping[str, str]:
    return {
        "reference": order.shipment,
        "orderReference": order.reference,
        "state": order.state,
        "courier": order.courier,
        "despatchReference": order.despatch_reference,
        "trackingUrl": order.tracking_url,
        "completed": order.completed,
    }
