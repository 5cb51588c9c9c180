"""Answers to several orders at once, kept with each order's attempt without the others' customers.

A document of many imports has one answer, and OrderFlow may quote any of them in it. What is kept of such an answer is
kept without personal values, for every reader: an order's page must not show another's customer, nor erasing one
customer leave traces at others. The same for what is said of the channel as a whole, which stands on its page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from orderflow.imports.outcomes import ImportOutcome
from orderflow.imports.sending import Outcomes
from orderflow.imports.steps import Step
from orders.integrations.channels import Verdict
from orders.masking.documents import Masker, values_in_json


def without_personal(steps: Sequence[Step], outcomes: Outcomes) -> Outcomes:
    """The outcomes as they may be kept. An import refused alone keeps its own refusal word for word."""
    shared = len(steps) > 1
    stops = any(outcome.verdict is Verdict.MISCONFIGURED for outcome in outcomes.values())
    if not (shared or stops):
        return outcomes
    masker = Masker(value for step in steps for value in values_in_json(step.delivery.payload))
    cuts = {cut: masker.known(cut) for cut in {outcome.response_cut for outcome in outcomes.values()}}
    return {pk: _kept(outcome, masker, cuts) for pk, outcome in outcomes.items()}


def _kept(outcome: ImportOutcome, masker: Masker, cuts: dict[str, str]) -> ImportOutcome:
    """A refusal speaks of its own import; any other words may be about the whole document."""
    own = outcome.verdict is Verdict.REJECTED
    detail = outcome.detail if own else masker.known(outcome.detail)
    return replace(outcome, detail=detail, response_cut=cuts[outcome.response_cut])
