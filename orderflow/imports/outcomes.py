"""Outcomes of imports, with what the warehouse is known to hold; stored by ``OrderFlowImports.recorded``."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from orderflow.imports.warehouse_states import Holding
from orderflow.site.client import Reply
from orderflow.site.refusals import explain
from orderflow.site.reports import Failure, Kind, Trouble
from orders.integrations.channels import Outcome, Verdict

VERDICTS = {
    Kind.MISCONFIGURED: Verdict.MISCONFIGURED,
    Kind.DOCUMENT: Verdict.REJECTED,
    Kind.UNAVAILABLE: Verdict.UNAVAILABLE,
}
_BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class ImportOutcome(Outcome):
    """``holding`` is the known state, None when unchanged; ``row_id`` is the row that stores it, 0 for none."""

    holding: Holding | None = None
    row_id: int = 0


def decided(
    verdict: Verdict, detail: str, *, holding: Holding | None = None, reply: Reply | None = None
) -> ImportOutcome:
    """An outcome from the hub's own data or from an answer that was understood."""
    return ImportOutcome(
        verdict,
        detail,
        response_status=reply.status if reply else None,
        response_cut=reply.cut if reply else "",
        holding=holding,
    )


def retry_later(
    because: str, seconds: float, *, holding: Holding | None = None, reply: Reply | None = None
) -> ImportOutcome:
    """Try again in ``seconds``, when no call without an answer can still take effect."""
    detail = f"{because} Tried again in {math.ceil(seconds)} s at the earliest, when that can be ruled out."
    outcome = decided(Verdict.UNAVAILABLE, detail, holding=holding, reply=reply)
    return replace(outcome, retry_after=float(math.ceil(seconds)))


def troubled(trouble: Trouble, reply: Reply, *, holding: Holding | None) -> ImportOutcome:
    """The outcome of a request that failed as a whole."""
    return ImportOutcome(
        VERDICTS[trouble.kind],
        trouble.text,
        reply.status,
        reply.cut,
        retry_after=reply.retry_after,
        destination_waits=reply.retry_after is not None or reply.status in _BUSY,
        counts_for_breaker=trouble.kind is Kind.UNAVAILABLE and trouble.partner,
        holding=holding,
    )


def refused(failure: Failure, reply: Reply, *, holding: Holding | None) -> ImportOutcome:
    """OrderFlow refused this one import."""
    text = f"OrderFlow refused it: {failure.text or 'without a reason'} {explain(failure).advice}"
    return decided(Verdict.REJECTED, text, holding=holding, reply=reply)
