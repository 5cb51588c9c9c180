"""When a tenant may be cut over: its own numbers, or these defaults. Shown and changed on the migration page.

RuleRefused   nothing was changed; ``faults`` are sentences by the name of the number
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.db import transaction

from orders.models import Tenant


class RuleRefused(Exception):
    """A number is out of its limits."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class CutOverRule:
    match_percent: float = 99.9
    """One order in a thousand may differ; each is on the list of differences."""
    hours: int = 24
    """A whole day, so that the nightly batches are included."""
    comparisons: int = 500
    """Fewer say little: with 500 and none wrong, a share of wrong ones above 0.6 % is unlikely (1 in 20)."""
    waiting_seconds: int = 60
    """Longer than the first retries, shorter than a customer at a till waits."""


LIMITS = {
    "match_percent": (90.0, 100.0),
    "hours": (1, 168),
    "comparisons": (1, 1_000_000),
    "waiting_seconds": (5, 3_600),
}
"""(least, most). Hours: a week. Below 90 % equal answers no tenant should be cut over."""
WORDS = {
    "match_percent": "The match rate",
    "hours": "The number of hours",
    "comparisons": "The number of comparisons",
    "waiting_seconds": "The longest wait",
}


def rule_of(tenant: Tenant) -> CutOverRule:
    known = {field.name for field in fields(CutOverRule)}
    return CutOverRule(**{name: value for name, value in (tenant.cut_over_rule or {}).items() if name in known})


def read_rule(given: Mapping[str, Any]) -> CutOverRule:
    """From a form's texts. Raises RuleRefused."""
    numbers: dict[str, float] = {}
    faults: dict[str, str] = {}
    for name, (least, most) in LIMITS.items():
        kind = type(least)
        try:
            number = kind(str(given.get(name, "")).strip())
        except ValueError:
            number = kind(-1)
        if not least <= number <= most:
            faults[name] = f"{WORDS[name]} must be a {_noun(kind)} from {least:,.0f} to {most:,.0f}."
        numbers[name] = number
    if faults:
        raise RuleRefused(faults)
    whole = {name: int(number) for name, number in numbers.items() if name != "match_percent"}
    return CutOverRule(match_percent=numbers["match_percent"], **whole)


@transaction.atomic
def store_rule(tenant: Tenant, rule: CutOverRule, *, who: str) -> Tenant:
    """Store the rule under the tenant's lock; its configuration history keeps who changed it."""
    stored = Tenant.objects.select_for_update().get(pk=tenant.pk)
    stored.cut_over_rule = None if rule == CutOverRule() else asdict(rule)
    stored._change_reason = f"cut-over rule, {who}"[:100]  # type: ignore[attr-defined]  # read by simple_history
    stored.save(update_fields=["cut_over_rule", "updated_at"])
    return stored


def _noun(kind: type) -> str:
    return "whole number" if kind is int else "number"
