"""Reconciliation of one order of which the warehouse holds, or may hold, something: look up, cancel if needed, import.

Decided when sending, from what the warehouse is then known to hold (docs/design/warehouse-state.md).
"""

from __future__ import annotations

from dataclasses import replace

from orderflow.imports.order_difference import difference
from orderflow.imports.outcomes import ImportOutcome, decided, retry_later, troubled
from orderflow.imports.sending import CONFIRMED, Sender, another
from orderflow.imports.steps import IGNORED_UPDATE, Step
from orderflow.imports.warehouse_states import Evidence, State
from orderflow.site.client import Reply
from orderflow.site.reports import CancelAnswer, Kind, NoSuchOrder, OrderDetail, Trouble
from orders.integrations.channels import Verdict

MOST_LINES = 2_000
"""The most lines an order may have (docs/reference/customer-order.md#members): a cancelled order has none."""
IMPORT_MAY_ARRIVE = (
    "An import of it was sent before, and its answer never came: the warehouse may still be at work on that import and "
    "hold the order later."
)


def reconcile(sender: Sender, step: Step) -> ImportOutcome:
    if step.before.state == State.HELD:
        return _cancel(sender, step)
    found, reply = sender.site.detail(step.reference, lines=MOST_LINES, deadline=sender.deadline)
    if isinstance(found, Trouble):
        return troubled(found, reply, holding=step.learned(Evidence.NOTHING_DONE))
    if isinstance(found, NoSuchOrder):
        return _not_found(sender, step, reply)
    return _as_found(sender, step, found, reply) or _cancel(sender, _having_seen_it(step))


def _having_seen_it(step: Step) -> Step:
    """The step after an import without an answer was found; the cancel shows whether the order is still there."""
    calls = step.learned(Evidence.OTHER_FOUND).unanswered
    return replace(step, before=replace(step.before, unanswered=calls))


def _not_found(sender: Sender, step: Step, reply: Reply) -> ImportOutcome:
    if step.import_may_arrive:
        still = step.learned(Evidence.NOT_FOUND_EARLY)
        text = f"The warehouse does not know the order yet. {IMPORT_MAY_ARRIVE}"
        return retry_later(text, step.import_arrives_within, holding=still, reply=reply)
    absent = step.learned(Evidence.NOT_FOUND)
    if step.item is None:
        text = "The warehouse does not hold the order; nothing had to be sent."
        return decided(Verdict.SUPERSEDED, text, holding=absent)
    return sender.send([replace(step, before=absent)])[step.delivery.pk]


def _as_found(sender: Sender, step: Step, found: OrderDetail, reply: Reply) -> ImportOutcome | None:
    """The outcome if the found order decides it; None when it must be cancelled first."""
    if step.item is None:
        cancelled = step.learned(Evidence.CANCELLED_FOUND)
        gone = decided(Verdict.DELIVERED, "The warehouse has cancelled it.", holding=cancelled, reply=reply)
        return gone if found.cancelled else None
    if step.before.digest == step.item.digest and step.drawn is not None:
        return _same_or_not(step, found, difference(found, step.drawn.quantities), reply)
    if sender.channel.on_update == sender.channel.OnUpdate.IGNORE:
        return decided(Verdict.SUPERSEDED, IGNORED_UPDATE, holding=step.learned(another(found)), reply=reply)
    return None


def _same_or_not(step: Step, found: OrderDetail, differs: str | None, reply: Reply) -> ImportOutcome:
    if differs is None:
        return decided(Verdict.DELIVERED, CONFIRMED, holding=step.learned(Evidence.SAME_FOUND), reply=reply)
    return decided(Verdict.REJECTED, differs, holding=step.learned(another(found)), reply=reply)


def _cancel(sender: Sender, step: Step) -> ImportOutcome:
    answer, reply = sender.site.cancel(step.reference, deadline=sender.deadline)
    if isinstance(answer, Trouble):
        untouched = answer.kind is Kind.MISCONFIGURED
        evidence = Evidence.NOTHING_DONE if untouched else Evidence.CANCEL_NO_VERDICT
        return troubled(answer, reply, holding=step.learned(evidence))
    if not answer.cancelled:
        return _cancel_refused(step, answer, reply)
    if step.import_may_arrive:
        text = f"Cancelled: {answer.text} {IMPORT_MAY_ARRIVE}"
        again = step.learned(Evidence.CANCEL_DONE_EARLY)
        return retry_later(text, step.import_arrives_within, holding=again, reply=reply)
    cancelled = step.learned(Evidence.CANCEL_DONE)
    if step.item is None:
        return decided(Verdict.DELIVERED, f"Cancelled: {answer.text}", holding=cancelled, reply=reply)
    outcome = sender.send([replace(step, before=cancelled)])[step.delivery.pk]
    return replace(outcome, detail=f"The earlier version was cancelled. {outcome.detail}")


def _cancel_refused(step: Step, answer: CancelAnswer, reply: Reply) -> ImportOutcome:
    if step.cancel_arrives_within:
        text = f"The warehouse cancelled nothing ({answer.text}). An earlier cancel, whose answer never came, may have."
        unsure = step.learned(Evidence.CANCEL_REFUSED_EARLY)
        return retry_later(text, step.cancel_arrives_within, holding=unsure, reply=reply)
    still = step.learned(Evidence.CANCEL_REFUSED)
    return decided(Verdict.REJECTED, _not_cancelled(step, answer), holding=still, reply=reply)


def _not_cancelled(step: Step, answer: CancelAnswer) -> str:
    then = "" if step.item is None else " The changed order was not imported."
    return f"The warehouse did not cancel {step.reference} ({answer.text}).{then} Clarify it with the warehouse."
