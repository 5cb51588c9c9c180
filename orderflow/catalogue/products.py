"""A channel's products: a changed product is sent to the warehouse, with one lane per product, many in one document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from django.db import transaction

from orderflow.catalogue.product_documents import product_import, product_value
from orderflow.imports.outcomes import ImportOutcome, decided, refused, troubled
from orderflow.imports.payloads import scope_of
from orderflow.imports.sending import Outcomes
from orderflow.imports.steps import PRODUCT, Step
from orderflow.imports.warehouse_states import Evidence
from orderflow.models import OrderFlowChannel, Product
from orderflow.site.client import Reply, Site
from orderflow.site.import_documents import NotSendable, Value, document
from orderflow.site.reports import Failure, ImportReport, Kind, Trouble
from orders.documents import render
from orders.integrations.channels import RequiredDelivery, Verdict
from orders.outbox.deliveries import NewDelivery, add_deliveries, hold_lanes
from orders.outgoing import Deadline
from orders.queueing.wake_ups import wake_outbound
from orders.values.lane_name import LaneName

BLOCK = 1_000
"""Products compared at a time after a channel's settings changed."""
SET_BY_CATALOGUE = ("properties", "owed_digest", "failure", "updated_at")
"""Columns written here; ``held_digest``, the warehouse's state, is written when an outcome is recorded."""


def put_products(channel: OrderFlowChannel, products: Mapping[str, Mapping[str, Value]]) -> list[str]:
    """Store products by SKU and send those whose import changed; returns their SKUs.

    One transaction. Raises NotSendable for a product that OrderFlow cannot take; then nothing is stored.
    """
    named = {sku: {"externalReference": sku, **properties} for sku, properties in products.items()}
    drawn = {sku: product_import(sku, properties, scope_of(channel)) for sku, properties in named.items()}
    with transaction.atomic():
        hold_lanes(lanes_of(channel, drawn))
        rows = Product.objects.select_for_update().filter(channel=channel, sku__in=drawn).order_by("pk")
        stored = {row.sku: row for row in rows}
        changed = [sku for sku, item in drawn.items() if sku not in stored or stored[sku].owed_digest != item.digest]
        for sku in changed:
            row = stored.get(sku) or Product(channel=channel, sku=sku)
            row.properties = {name: product_value(name, value) for name, value in named[sku].items()}
            row.owed_digest, row.failure = drawn[sku].digest, ""
            row.save(update_fields=SET_BY_CATALOGUE if sku in stored else None)
            stored[sku] = row
        add_deliveries([_new_delivery(channel, stored[sku]) for sku in changed])
        transaction.on_commit(wake_outbound)
    return changed


def resend_changed(channel: OrderFlowChannel) -> int:
    """Send the products whose import differs under the channel's changed settings; returns how many.

    A product that cannot be imported under them is left: its next change is refused with the reason.
    """
    changed = last = 0
    with transaction.atomic():
        of_channel = Product.objects.filter(channel=channel)
        hold_lanes(lanes_of(channel, skus_of(channel)))
        rows = of_channel.select_for_update().order_by("pk")
        while block := list(rows.filter(pk__gt=last)[:BLOCK]):
            changed, last = changed + _add_changed(channel, block), block[-1].pk
        if changed:
            transaction.on_commit(wake_outbound)
    return changed


def _add_changed(channel: OrderFlowChannel, rows: Sequence[Product]) -> int:
    other = []
    for row in rows:
        with suppress(NotSendable):
            digest = product_import(row.sku, row.properties, scope_of(channel)).digest
            if digest != row.owed_digest:
                row.owed_digest, row.failure = digest, ""
                other.append(row)
    Product.objects.bulk_update(other, ["owed_digest", "failure"])
    add_deliveries([_new_delivery(channel, row) for row in other])
    return len(other)


def skus_of(channel: OrderFlowChannel) -> list[str]:
    """The SKUs of the channel's stored products."""
    return list(Product.objects.filter(channel=channel).values_list("sku", flat=True))


def lanes_of(channel: OrderFlowChannel, skus: Iterable[str]) -> list[LaneName]:
    """The products' lanes, to lock them before the products (docs/design/locks.md), as recording an outcome does."""
    tenant_id = channel.destination.tenant_id
    return [LaneName(channel.destination_id, _lane_key(sku), tenant_id) for sku in skus]


def _lane_key(sku: str) -> str:
    return f"product:{sku}"


def _new_delivery(channel: OrderFlowChannel, row: Product) -> NewDelivery:
    payload = render(row.properties).decode()
    required = RequiredDelivery(channel.destination_id, PRODUCT, payload, supersedes_unsent=True, reference=row.sku)
    return NewDelivery(channel.destination.tenant_id, _lane_key(row.sku), required)


@dataclass(frozen=True, slots=True)
class ProductSender:
    """Sends product imports; a product that exists already is merged."""

    site: Site
    deadline: Deadline

    def send(self, steps: Sequence[Step]) -> Outcomes:
        body = document(step.item for step in steps if step.item is not None)
        answer, reply = self.site.imports("product", body, items=len(steps), deadline=self.deadline)
        if isinstance(answer, ImportReport):
            return self._read(steps, answer, reply)
        if answer.kind is not Kind.DOCUMENT or len(steps) == 1:
            return {step.delivery.pk: _in_trouble(answer, reply) for step in steps}
        middle = len(steps) // 2
        return self.send(steps[:middle]) | self.send(steps[middle:])

    def _read(self, steps: Sequence[Step], report: ImportReport, reply: Reply) -> Outcomes:
        outcomes = {step.delivery.pk: _outcome(step, report, reply) for step in steps}
        there = [
            replace(step, item=replace(step.item, operation="merge"))
            for step in steps
            if ("product", step.reference) in report.duplicates and step.item and step.item.operation == "insert"
        ]
        return outcomes | self.send(there) if there else outcomes


def _in_trouble(trouble: Trouble, reply: Reply) -> ImportOutcome:
    if trouble.kind is Kind.DOCUMENT:
        return refused(Failure(trouble.said or trouble.text), reply, holding=None)
    return troubled(trouble, reply, holding=None)


def _outcome(step: Step, report: ImportReport, reply: Reply) -> ImportOutcome:
    key = ("product", step.reference)
    if report.unlisted([key]):
        return decided(Verdict.UNAVAILABLE, "OrderFlow's result does not mention this product.", reply=reply)
    if key in report.successes:
        return decided(Verdict.DELIVERED, "Imported.", holding=step.learned(Evidence.IMPORTED), reply=reply)
    return refused(report.duplicates.get(key) or report.failures[key], reply, holding=None)
