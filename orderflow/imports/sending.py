"""Sending many order imports in one document; no transaction is open (docs/design/outbox.md#sending).

refused as a whole   halved until the culprit stands alone
duplicate            looked up by detail: the same lines and quantities mean that an earlier try arrived
unlisted             left pending; the next attempt looks first (orderflow.imports.reconciliation)
product missing      the product is imported, then the order once more
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orderflow.catalogue.product_documents import minimal_product, product_import
from orderflow.imports.order_difference import difference
from orderflow.imports.outcomes import ImportOutcome, decided, refused, troubled
from orderflow.imports.payloads import scope_of
from orderflow.imports.steps import Step
from orderflow.imports.warehouse_states import Evidence
from orderflow.models import OrderFlowChannel
from orderflow.site.client import Reply, Site
from orderflow.site.import_documents import Import, Value, document
from orderflow.site.refusals import Cause, explain
from orderflow.site.reports import Failure, ImportReport, Kind, NoSuchOrder, OrderDetail, Trouble, is_duplicate
from orders.integrations.channels import Verdict
from orders.outgoing import Deadline

Outcomes = dict[Any, ImportOutcome]
"""By delivery id."""

UNLISTED = "OrderFlow's result does not mention this import. It is looked up before it is sent again."
DUPLICATE = "OrderFlow holds an order under this reference already."
CONFIRMED = "Imported by an earlier try whose answer was lost; confirmed by the order's detail."


@dataclass(frozen=True, slots=True)
class Sender:
    """One partner request's sending: the site, the channel's settings, one deadline over all its calls."""

    site: Site
    channel: OrderFlowChannel
    deadline: Deadline
    catalogue: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    """The channel's products among the steps' items, by SKU."""
    supplied: frozenset[str] = frozenset()
    """Products imported on the way, each tried once."""

    def send(self, steps: Sequence[Step]) -> Outcomes:
        """One outcome per step, whatever the site does. Makes no query."""
        body = document(step.item for step in steps if step.item is not None)
        answer, reply = self.site.imports("order", body, items=len(steps), deadline=self.deadline)
        if isinstance(answer, ImportReport):
            return self._read(steps, answer, reply)
        if answer.kind is not Kind.DOCUMENT:
            return {step.delivery.pk: in_trouble(step, answer, reply) for step in steps}
        if len(steps) == 1:
            return self._read(steps, _as_report(steps[0], answer), reply)
        middle = len(steps) // 2
        return self.send(steps[:middle]) | self.send(steps[middle:])

    def _read(self, steps: Sequence[Step], report: ImportReport, reply: Reply) -> Outcomes:
        outcomes = {step.delivery.pk: self._outcome(step, report, reply) for step in steps}
        lacking = [(sku, step) for step in steps if (sku := self._lacks(step, report)) is not None]
        return outcomes | self._once_more(lacking)

    def _outcome(self, step: Step, report: ImportReport, reply: Reply) -> ImportOutcome:
        key = ("order", step.reference)
        if report.unlisted([key]):
            return decided(Verdict.UNAVAILABLE, UNLISTED, holding=step.learned(Evidence.UNLISTED), reply=reply)
        if key in report.successes:
            return decided(Verdict.DELIVERED, "Imported.", holding=step.learned(Evidence.IMPORTED), reply=reply)
        if key in report.duplicates:
            return self._confirmed(step)
        return refused(report.failures[key], reply, holding=step.learned(Evidence.REFUSED))

    def _confirmed(self, step: Step) -> ImportOutcome:
        """References are reserved, so "Duplicate" can only mean our own earlier import: the detail shows which."""
        wanted = step.drawn.quantities if step.drawn else {}
        found, reply = self.site.detail(step.reference, lines=len(wanted), deadline=self.deadline)
        if isinstance(found, Trouble):
            unseen = step.learned(Evidence.NO_VERDICT)
            return replace(troubled(found, reply, holding=unseen), detail=f"{DUPLICATE} {found.text}")
        if isinstance(found, NoSuchOrder):
            text = f"{DUPLICATE} Its detail cannot be seen yet: {found.text}"
            return decided(Verdict.UNAVAILABLE, text, holding=step.learned(Evidence.NO_VERDICT), reply=reply)
        if (differs := difference(found, wanted)) is not None:
            return decided(
                Verdict.REJECTED, f"{DUPLICATE} {differs}", holding=step.learned(another(found)), reply=reply
            )
        return decided(Verdict.DELIVERED, CONFIRMED, holding=step.learned(Evidence.SAME_FOUND), reply=reply)

    def _lacks(self, step: Step, report: ImportReport) -> str | None:
        """The product that OrderFlow misses, where the channel may import it and has not yet."""
        failure = report.failures.get(("order", step.reference))
        if failure is None or step.drawn is None or not self.channel.import_missing_products:
            return None
        found = explain(failure)
        may = found.cause is Cause.NO_PRODUCT and found.subject in step.drawn.quantities
        return found.subject if may and found.subject not in self.supplied else None

    def _once_more(self, lacking: Sequence[tuple[str, Step]]) -> Outcomes:
        """Import what was missing, then the orders once more (docs/reference/orderflow.md#errors)."""
        if not lacking:
            return {}
        there = self._supply(dict(reversed(lacking)))
        again = [step for sku, step in lacking if sku in there]
        return replace(self, supplied=self.supplied | there).send(again) if again else {}

    def _supply(self, missing: Mapping[str, Step]) -> frozenset[str]:
        """Import products; returns the SKUs that OrderFlow now knows."""
        items = [self._product(sku, step) for sku, step in missing.items()]
        answer, _ = self.site.imports("product", document(items), items=len(items), deadline=self.deadline)
        if isinstance(answer, Trouble):
            return frozenset()
        return frozenset(sku for kind, sku in {*answer.successes, *answer.duplicates} if kind == "product")

    def _product(self, sku: str, step: Step) -> Import:
        """The catalogue's product, else the data of the order line."""
        if sku in self.catalogue:
            return product_import(sku, self.catalogue[sku], scope_of(self.channel))
        return minimal_product(sku, step.drawn.names.get(sku) if step.drawn else None, scope_of(self.channel))


def in_trouble(step: Step, trouble: Trouble, reply: Reply) -> ImportOutcome:
    """Wrong settings import nothing; without an answer anything may have happened."""
    evidence = Evidence.NOTHING_DONE if trouble.kind is Kind.MISCONFIGURED else Evidence.NO_VERDICT
    return troubled(trouble, reply, holding=step.learned(evidence))


def another(found: OrderDetail) -> Evidence:
    """The evidence of finding an order that is not the wanted one."""
    return Evidence.CANCELLED_FOUND if found.cancelled else Evidence.OTHER_FOUND


def _as_report(step: Step, trouble: Trouble) -> ImportReport:
    """A document of one import that was refused as a whole is a refusal of that import."""
    failure, key = Failure(trouble.said or trouble.text), ("order", step.reference)
    if is_duplicate(failure):
        return ImportReport(duplicates={key: failure})
    return ImportReport(failures={key: failure})
