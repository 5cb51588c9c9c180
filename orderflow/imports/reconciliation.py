"""One order of which the warehouse holds, or may hold, something: look, cancel as needed, then import.

Decided when sending, from what the warehouse is then known to hold (design.md, section 5).
"""

from __future__ import annotations

from dataclasses import replace

from orderflow.imports.order_difference import difference
from orderflow.imports.outcomes import (
    ImportOutcome,
    decided,
    troubled,
)
from orderflow.imports.sending import (
    CONFIRMED,
    Sender,
    another,
)
from orderflow.imports.steps import (
    IGNORED_UPDATE,
    Step,
)
from orderflow.imports.warehouse_states import (
    Evidence,
    State,
)
from orderflow.site.client import Reply
from orderflow.site.reports import (
    CancelAnswer,
    Kind,
    NoSuchOrder,
    OrderDetail,
    Trouble,
)
from orders.integrations.channels import Verdict

MOST_LINES = 2_000
"""The most lines an order may have (domain/customer-order.md section 2): a cancelled order's are not at hand."""


def settle(sender: Sender, step: Step) -> ImportOutcome:
    if step.before.state == State.HELD:
        return _cancel(sender, step)
    found, reply = sender.site.detail(step.reference, lines=MOST_LINES, deadline=sender.deadline)
    if isinstance(found, Trouble):
        return troubled(found, reply, holding=step.learned(Evidence.NOTHING_DONE))
    if isinstance(found, NoSuchOrder):
        return _absent(sender, step)
    return _as_found(sender, step, found, reply) or _cancel(sender, step)


def _absent(sender: Sender, step: Step) -> ImportOutcome:
    absent = step.learned(Evidence.NOT_FOUND)
    if step.item is None:
        text = "The warehouse does not hold the order; nothing had to be sent."
        return decided(Verdict.SUPERSEDED, text, holding=absent)
    return sender.send([replace(step, before=absent)])[step.delivery.pk]


def _as_found(sender: Sender, step: Step, found: OrderDetail, reply: Reply) -> ImportOutcome | None:
    """The outcome where what was found settles the matter; None where it has to be cancelled first."""
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
        still = step.learned(Evidence.CANCEL_REFUSED)
        return decided(Verdict.REJECTED, _not_cancelled(step, answer), holding=still, reply=reply)
    cancelled = step.learned(Evidence.CANCEL_DONE)
    if step.item is None:
        return decided(Verdict.DELIVERED, f"Cancelled: {answer.text}", holding=cancelled, reply=reply)
    outcome = sender.send([replace(step, before=cancelled)])[step.delivery.pk]
    return replace(outcome, detail=f"The earlier version was cancelled. {outcome.detail}")


def _not_cancelled(step: Step, answer: CancelAnswer) -> str:
    then = "" if step.item is None else " The changed order was not imported."
    return f"The warehouse did not cancel {step.reference} ({answer.text}).{then} Settle it with the warehouse."
