"""One drill from the first PUT to the verdict."""

from __future__ import annotations

import bisect
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.stack import MakeStack, Stack, stack
from tests.chaos.checker import History, violations
from tests.chaos.havoc import ALL_BLOWS, Blow, Havoc
from tests.chaos.hub import running_hub
from tests.chaos.kept import START_SECONDS
from tests.chaos.ledger import Ledger, drain
from tests.chaos.recovery import Cost, Span, cost
from tests.chaos.senders import Notes, Senders
from tests.processes import wait_until

AWAY = "take redis away"


@dataclass(frozen=True, slots=True)
class Plan:
    events: int = 20_000
    orders: int = 500
    seconds: float = 120.0
    away_seconds: float = 20.0
    seed: int = 1
    blows: tuple[str, ...] = ALL_BLOWS


@dataclass(frozen=True, slots=True)
class Outcome:
    plan: Plan
    notes: Notes
    blows: list[Blow]
    kills: int
    history: History
    broken_rows: list[str]
    applied_at: dict[str, float]
    sent_seconds: float
    drain_seconds: float

    @property
    def violations(self) -> list[str]:
        return violations(self.history) + self.broken_rows

    @property
    def cost(self) -> Cost:
        """Of all blows together."""
        return cost(self.notes, self.applied_at, Span(self.blows[0].began_at, self.blows[-1].ended_at))

    @property
    def answers_without_redis(self) -> list[float]:
        """Seconds of every 202 that was asked for while Redis was away."""
        away = next(blow for blow in self.blows if blow.what == AWAY)
        return [came - asked for asked, came in self.notes.answered if away.began_at <= asked <= away.ended_at]

    def lines(self) -> list[str]:
        taken = sorted(self.answers_without_redis)
        transactions = len({event.transaction for event in self.history.applied})
        return [
            f"{len(self.notes.accepted)} events of {len(self.history.final)} orders accepted in "
            f"{self.sent_seconds:.0f} s, {len(self.history.applied)} applied in {transactions} transactions; "
            f"drained {self.drain_seconds:.1f} s after the last",
            f"{self.kills} processes killed, {len(self.history.lost)} leases of an order ran out",
            "answers that were no 202: " + (", ".join(f"{n} {what}" for what, n in self.notes.trouble.items()) or "-"),
            f"202 while Redis was away: {len(taken)}, median {statistics.median(taken) * 1000:.0f} ms, "
            f"longest {taken[-1] * 1000:.0f} ms",
            *(self._recovery(blow) for blow in self.blows),
            *(self.violations or ["nothing lost, nothing applied twice, nothing out of order, no attempt miscounted"]),
        ]

    def _recovery(self, blow: Blow) -> str:
        answered = sorted(came for asked, came in self.notes.answered if asked >= blow.began_at)
        applied = sorted(self.applied_at.values())
        times = " and ".join(
            f"{what} {_first(at, blow.ended_at)}" for what, at in (("next 202", answered), ("applied", applied))
        )
        return f"{blow.what} ({blow.ended_at - blow.began_at:.2f} s): {times} after it"


def _first(times: list[float], after: float) -> str:
    at = bisect.bisect(times, after)
    return f"{times[at] - after:.2f} s" if at < len(times) else "never"


def run(plan: Plan, folder: Path, *, stack: MakeStack = stack, say: Callable[[str], None] = print) -> Outcome:
    """Start everything, let it be broken, drain, read it all back."""
    with stack(folder) as stacked:
        ledger = Ledger(stacked.servers.database_url)
        ledger.install()
        return run_on(stacked, ledger, plan, say=say)


def run_on(stacked: Stack, ledger: Ledger, plan: Plan, *, say: Callable[[str], None] = print) -> Outcome:
    """On servers that are there, with a ledger that was installed."""
    ledger.empty()
    with running_hub(stacked) as hub:
        token = stacked.token(hub.port)
        wait_until(lambda: hub.all_ready, seconds=START_SECONDS)
        say("everything runs; the blows begin")
        senders = Senders(hub.port, token, orders=plan.orders, rate=plan.events / plan.seconds)
        havoc = Havoc(
            hub,
            stacked.servers,
            names=plan.blows,
            seconds=plan.seconds,
            away_seconds=plan.away_seconds,
            seed=plan.seed,
        )
        started = time.monotonic()
        with havoc, senders:
            while not (len(senders.notes.accepted) >= plan.events and havoc.over):
                assert havoc.error is None, havoc.error
                time.sleep(0.1)
        sent = time.monotonic() - started
        drain(ledger)
        drained = time.monotonic() - started - sent
        broken = stacked.broken_rows()
    return Outcome(
        plan, senders.notes, havoc.blows, havoc.kills, ledger.history(senders.notes.accepted), broken,
        ledger.applied_at(), sent, drained,
    )  # fmt: skip
