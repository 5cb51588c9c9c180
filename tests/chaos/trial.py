"""One fault from the first PUT to the verdict, and the stage on which faults are tried one after another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.stack import MakeStack, Stack, stack
from tests.chaos.checker import violations
from tests.chaos.faults import Fault, Scene, Skipped
from tests.chaos.hub import Hub, Surroundings, running_hub
from tests.chaos.ledger import Ledger, drain
from tests.chaos.recovery import Cost, Span, cost
from tests.chaos.relay import Relay
from tests.chaos.senders import Notes, Senders

ORDERS = 100


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of PUTs before a fault, from which their usual time is taken, and after it."""

    before: float = 3.0
    after: float = 4.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a fault; ``skipped`` says why there was none."""

    name: str
    told: str
    seconds: float = 0.0
    sent: int = 0
    accepted: int = 0
    applied: int = 0
    cost: Cost | None = None
    violations: tuple[str, ...] = ()
    skipped: str = ""


class Stage:
    """Servers, and a hub that is started anew only where a fault needs another one."""

    def __init__(self, stacked: Stack, redis_relay: Relay, ledger: Ledger, pace: Pace) -> None:
        self._stack, self._redis_relay, self._ledger, self._pace = stacked, redis_relay, ledger, pace
        self._needs: tuple[bool, Surroundings] | None = None
        self._running = ExitStack()

    def end(self) -> None:
        self._running.close()
        self._needs = None

    def try_out(self, fault: Fault, *, seconds: float = 0.0) -> Verdict:
        """Never raises: a fault that could not be tried, or from which nothing came back, is a violation."""
        try:
            return self._try_out(fault, seconds or fault.seconds)
        except Skipped as why:
            return Verdict(fault.name, fault.told, skipped=str(why))
        except Exception as error:  # noqa: BLE001  # the other faults still have their turn, with a hub of their own
            self.end()
            return Verdict(fault.name, fault.told, violations=(f"failed: {type(error).__name__}: {error}"[:300],))

    def _try_out(self, fault: Fault, seconds: float) -> Verdict:
        hub, front, token = self._hub(fault)
        scene = Scene(self._stack, hub, seconds, self._redis_relay, front)
        scene.until_all_ready()
        self._ledger.empty()
        port = front.port if fault.balanced else hub.port
        with fault.party(scene) as party:
            senders = Senders(port, party.token or token, orders=ORDERS, rate=fault.rate, keep_alive=fault.refuses)
            senders.body, scene.party = party.body, party
            with senders:
                time.sleep(self._pace.before)
                began_at = time.time()
                fault.strike(scene)
                span = Span(began_at, time.time())
                time.sleep(self._pace.after)
            drain(self._ledger)
            found = [*party.settled(), *self._stack.broken_rows()]
        return self._verdict(replace(fault, told=fault.told + party.told), senders.notes, span, found)

    def _verdict(self, fault: Fault, notes: Notes, span: Span, found: list[str]) -> Verdict:
        history, applied_at = self._ledger.history(notes.accepted), self._ledger.applied_at()
        found += violations(history) if notes.accepted else ["nothing was accepted, so nothing was tried"]
        if notes.trouble and not fault.refuses:
            found.append(f"refused: {dict(notes.trouble)}")
        return Verdict(
            fault.name,
            fault.told,
            seconds=span.seconds,
            sent=len(notes.tried),
            accepted=len(notes.accepted),
            applied=len(applied_at),
            cost=cost(notes, applied_at, span),
            violations=tuple(found),
        )

    def _hub(self, fault: Fault) -> tuple[Hub, Relay, str]:
        if self._needs != fault.needs:
            self.end()
            relayed = {"REDIS_URL": f"redis://127.0.0.1:{self._redis_relay.port}/0"} if fault.redis_relayed else {}
            around = _with(fault.surroundings, relayed)
            hub = self._running.enter_context(running_hub(self._stack, around))
            front = self._running.enter_context(Relay(hub.port))
            self._started = hub, front, self._stack.token(hub.port)
            self._needs = fault.needs
        return self._started


def _with(around: Surroundings, more: dict[str, str]) -> Surroundings:
    return Surroundings(
        web={**around.web, **more},
        workers=[{**each, **more} for each in around.workers],
        schedulers=[{**each, **more} for each in around.schedulers],
        dispatchers=[{**each, **more} for each in around.dispatchers],
    )


@contextmanager
def a_stage(folder: Path, *, stack: MakeStack = stack) -> Iterator[Stage]:
    """With servers of its own."""
    with stack(folder) as stacked:
        ledger = Ledger(stacked.servers.database_url)
        ledger.install()
        with stage_on(stacked, ledger) as stage:
            yield stage


@contextmanager
def stage_on(stacked: Stack, ledger: Ledger, *, pace: Pace | None = None) -> Iterator[Stage]:
    with Relay(stacked.servers.redis.port) as redis_relay:
        stage = Stage(stacked, redis_relay, ledger, pace or Pace())
        try:
            yield stage
        finally:
            stage.end()
