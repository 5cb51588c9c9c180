"""docs/measured/reliability.md: one row for each fault, of the run that tried it last."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

from tests.benchmarks.stack import ROOT
from tests.chaos.drill import Outcome
from tests.chaos.faults import RATE
from tests.chaos.trial import Verdict

PAGE = ROOT / "docs/measured/reliability.md"
HEAD = ("fault", "what was done", "lasted", "PUTs", "refused", "applied", "longest PUT", "PUTs as usual after",
        "all applied after", "verdict")  # fmt: skip
WELL = "0 lost, 0 reordered, 0 doubled"
TOLD = """# Reliability

Every fault below was done to real processes of the hub on a real PostgreSQL and a real Redis while PUTs went on. Made
by `make chaos` (some alone: `make chaos FAULTS=worker-stop,disk-full`; that replaces their rows only).

* **PUTs** go out at about {rate} a second over 100 orders, by clients that retry nothing. **Refused** ones got another
  answer than 202, such as 503 with `Retry-After`, or none; a real sender sends them again. **Applied** may exceed the
  PUTs that were not refused: an event is stored before its 202 is lost on the way.
* The **verdict** is that of `tests/chaos/checker.py`. It knows every 202 and reads back every event and every write of
  every order as the database itself noted them: nothing accepted is lost, applied twice, applied after a newer one or
  left out of its order's document, and no attempt is miscounted. No row is stuck or contradicts another
  ([invariants](../design/invariants.md)). Where partners take part, each holds in the end what the orders say: the
  warehouse every order that is not cancelled, once and as it is now, and no other; the supplier the last state of each
  part.
* **PUTs as usual after**: seconds from the end of the fault until, for a second, no PUT was refused or took longer than
  100 ms or three times the 99th percentile from before the fault. **All applied after**: seconds from the end until
  everything accepted before that was applied. Both are 0 where the fault did not show.
* **Longest PUT**: of those answered 202. Writing an order takes 4 ms more than usual here, so that kills hit workers at
  work. Workers, web servers and schedulers are started again when they end, as systemd or Docker would.

"""


def page(verdicts: Sequence[Verdict], *, old: str, versions: Sequence[str]) -> str:
    """The whole page; rows of faults that were not tried stay as they are in ``old``."""
    rows = {row.split("|")[1].strip(): row for row in old.splitlines() if row.startswith("| ") and row.count("|") > 9}
    rows.pop(HEAD[0], None)
    rows |= {verdict.name: row(verdict) for verdict in verdicts}
    table = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD), *rows.values()]
    machine = f"Last run: {os.cpu_count()} cores ({platform.machine()}), shared with the clients and the servers, load "
    machine += f"average {os.getloadavg()[2]:.1f}; {', '.join(versions)}."
    return TOLD.format(rate=RATE) + "\n".join([machine, "", *table]) + "\n"


def row(verdict: Verdict) -> str:
    said = "; ".join(verdict.violations[:3]).replace("|", "/") or WELL
    if verdict.skipped or verdict.cost is None:
        said = f"skipped: {verdict.skipped}" if verdict.skipped else f"**{said}**"
        return "| " + " | ".join([verdict.name, verdict.told, *["-"] * 7, said]) + " |"
    cost = verdict.cost
    cells = [
        verdict.name, verdict.told, f"{verdict.seconds:.0f} s", f"{verdict.sent:,}", f"{cost.refused:,}",
        f"{verdict.applied:,}", f"{cost.longest * 1000:,.0f} ms", f"{cost.puts_after:.1f} s",
        f"{cost.applied_after:.1f} s", f"**{said}**" if verdict.violations else said,
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def of_drill(outcome: Outcome) -> Verdict:
    plan = outcome.plan
    told = f"{outcome.kills} kills of workers, one a second, over {plan.orders} orders, and meanwhile: "
    return Verdict(
        "drill",
        told + ", ".join(blow.what for blow in outcome.blows),
        seconds=outcome.sent_seconds,
        sent=len(outcome.notes.tried),
        accepted=len(outcome.notes.accepted),
        applied=len(outcome.applied_at),
        cost=outcome.cost,
        violations=tuple(outcome.violations),
    )
