"""The health of a destination: its breaker, its stop, and the actions of an operator.

Consecutive failures that count (refused, unresolved, timeout, cut, 5xx) open the breaker; it lets one probe through
after a pause that doubles each time; any answer closes it, and the waiting deliveries are sent in order at a rising
rate (``recovery_allows``). Wrong credentials or addresses stop the destination; a probe every PROBE_SECONDS finds out
when they are corrected, and no attempts are used up meanwhile (docs/design/outbox.md#destination-health).

The breaker is columns of the destination's row, so that it opens for all processes at once, outlives them, and changes
in the transaction that records the outcome; a breaker library keeps it in a process or in Redis. Proxied reads have
one of their own (``proxy.breaker``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction

from orders.database.clock import DatabaseClock
from orders.integrations.channels import Outcome, Verdict
from orders.masking.documents import Masker
from orders.models import Destination, OperatorAction
from orders.queueing.retry_schedule import bounded
from orders.queueing.wake_ups import wake_outbound
from orders.values.storable_text import storable

PROBE_SECONDS = 600.0
"""docs/design/outbox.md#destination-health: a misconfigured endpoint is probed every 10 min."""
OPEN_MOST_SECONDS = 300.0
"""HUB_BREAKER_OPEN_SECONDS doubles to 300 (docs/reference/environment.md#retries-and-breaker)."""
RECOVERY_RATE = 5.0
"""Requests in the first second after a breaker closes; each second lets through twice as many as the one before."""
RECOVERY_SECONDS = 10.0
"""After that some 5,000 a second would be allowed, which limits nothing."""
FIELDS = [
    "state", "state_reason", "state_since", "probe_at", "failures", "open_seconds", "waits_until", "recovering_since",
    "recovery_sent",
]  # fmt: skip

log = structlog.get_logger("orderhub.outbox")


def hold(outcomes: Sequence[tuple[Destination, Outcome]]) -> None:
    """Lock the destinations that ``judge`` may write. Called before the lanes are locked (docs/design/locks.md)."""
    if by_destination := _to_judge(outcomes):
        list(Destination.locked().filter(pk__in=by_destination).values_list("pk"))


def judge(outcomes: Sequence[tuple[Destination, Outcome]], clock: DatabaseClock) -> None:
    """Update the health of destinations by outcomes, in the recording transaction, after ``hold``."""
    by_destination = _to_judge(outcomes)
    rows = Destination.locked().in_bulk(by_destination) if by_destination else {}
    for pk, line in by_destination.items():
        destination = rows[pk]
        before = [getattr(destination, name) for name in FIELDS]
        for outcome in line:
            _judge_one(destination, outcome, clock)
        if [getattr(destination, name) for name in FIELDS] != before:
            destination.save(update_fields=FIELDS)


def _to_judge(outcomes: Sequence[tuple[Destination, Outcome]]) -> dict[int, list[Outcome]]:
    """Outcomes by destination id, sorted. A destination that was healthy when claimed and has only successes is left
    out and not locked; if another process counted a failure meanwhile, a later success resets it.
    """
    tried = [(destination, outcome) for destination, outcome in outcomes if outcome.verdict != Verdict.HELD]
    needs_update = {one.pk for one, outcome in tried if not (_is_success(outcome) and _is_healthy(one))}
    return {pk: [outcome for one, outcome in tried if one.pk == pk] for pk in sorted(needs_update)}


def _is_success(outcome: Outcome) -> bool:
    return outcome.verdict in (Verdict.DELIVERED, Verdict.SUPERSEDED) and not outcome.destination_waits


def _is_healthy(destination: Destination) -> bool:
    failing = destination.failures or destination.open_seconds is not None or destination.recovering_since is not None
    return destination.state == Destination.State.RUNNING and not failing


def _judge_one(destination: Destination, outcome: Outcome, clock: DatabaseClock) -> None:
    if outcome.destination_waits and outcome.retry_after:
        asked = clock.now(bounded(outcome.retry_after))
        destination.waits_until = max(asked, destination.waits_until or asked)
    if outcome.verdict == Verdict.MISCONFIGURED:
        _stop(destination, storable(outcome.detail), clock)
    elif outcome.counts_for_breaker:
        _count_failure(destination, clock)
    else:
        _recover(destination, clock)


def named(destination: Destination) -> dict[str, object]:
    """The destination as keywords of a log event; makes no query."""
    name = f"{destination.channel}/{destination.name}"
    return {"destination": name, "destination_id": destination.pk, "tenant_id": destination.tenant_id}


def shown_to_all(reason: str) -> str:
    """Everybody who may see the destination reads why it stands; what a person wrote is whole in ``OperatorAction``."""
    return Masker().text(reason)


def _stop(destination: Destination, reason: str, clock: DatabaseClock) -> None:
    if destination.state == Destination.State.RUNNING:
        destination.state, destination.state_since = Destination.State.STOPPED, clock.now()
        log.error("destination stopped", **named(destination), reason=reason, probed_after_seconds=PROBE_SECONDS)
    if destination.state == Destination.State.STOPPED:
        destination.state_reason = shown_to_all(reason) or "misconfigured"
        destination.probe_at = clock.now(PROBE_SECONDS)


def _count_failure(destination: Destination, clock: DatabaseClock) -> None:
    destination.failures += 1
    most = settings.HUB_BREAKER_FAILURES
    if destination.open_seconds is not None:
        destination.open_seconds = min(destination.open_seconds * 2, OPEN_MOST_SECONDS)
    elif most and destination.failures >= most:
        destination.open_seconds = settings.HUB_BREAKER_OPEN_SECONDS
        failures, seconds = destination.failures, destination.open_seconds
        log.warning("breaker open", **named(destination), failures=failures, probed_after_seconds=seconds)
    if destination.open_seconds is not None:
        destination.probe_at = clock.now(destination.open_seconds)
        destination.recovering_since = None
    elif destination.state == Destination.State.STOPPED:
        destination.probe_at = clock.now(PROBE_SECONDS)


def _recover(destination: Destination, clock: DatabaseClock) -> None:
    if destination.open_seconds is not None:
        destination.recovering_since, destination.recovery_sent = clock.now(), 0
    elif destination.recovering_since and clock.now(-RECOVERY_SECONDS) > destination.recovering_since:
        destination.recovering_since = None
    destination.failures, destination.open_seconds = 0, None
    if destination.state != Destination.State.PAUSED:
        destination.state, destination.state_reason, destination.state_since = Destination.State.RUNNING, "", None
        destination.probe_at = None


def recovery_allows(destination: Destination, clock: DatabaseClock) -> int | None:
    """How many more requests may go to a destination whose breaker closed lately; None: not limited by that."""
    if destination.recovering_since is None:
        return None
    seconds = max(0.0, (clock.now() - destination.recovering_since).total_seconds())
    if seconds > RECOVERY_SECONDS:
        return None
    return max(0, int(RECOVERY_RATE * 2**seconds) - destination.recovery_sent)


@transaction.atomic
def pause(destination: Destination, *, who: str, reason: str) -> None:
    """Send nothing more to the destination until an operator resumes it; its deliveries stay pending."""
    _lock(destination)
    destination.state, destination.state_reason = Destination.State.PAUSED, shown_to_all(reason) or f"paused by {who}"
    destination.state_since, destination.probe_at = DatabaseClock().now(), None
    destination.save(update_fields=FIELDS)
    _note(destination, "pause", who=who, reason=reason)


@transaction.atomic
def resume(destination: Destination, *, who: str, reason: str = "") -> None:
    """Send again, lane by lane in order; also closes the breaker."""
    _lock(destination)
    destination.state, destination.state_reason, destination.state_since = Destination.State.RUNNING, "", None
    destination.failures, destination.open_seconds, destination.probe_at = 0, None, None
    destination.waits_until = destination.recovering_since = None
    destination.save(update_fields=FIELDS)
    _note(destination, "resume", who=who, reason=reason)
    transaction.on_commit(wake_outbound)


@transaction.atomic
def probe(destination: Destination, *, who: str) -> None:
    """Send one delivery now, whatever the state; its outcome decides about the state."""
    _lock(destination)
    destination.probe_at = DatabaseClock().now() - timedelta(seconds=1)
    destination.save(update_fields=["probe_at"])
    _note(destination, "probe", who=who, reason="")
    transaction.on_commit(wake_outbound)


def _lock(destination: Destination) -> None:
    """Lock the row and read it again, so that an outcome recorded meanwhile is not overwritten."""
    destination.refresh_from_db(from_queryset=Destination.locked())


def _note(destination: Destination, action: str, *, who: str, reason: str) -> None:
    OperatorAction.objects.create(
        tenant_id=destination.tenant_id, who=who, action=action, reason=reason,
        subject=f"destination:{destination.pk}", outcome=destination.state,
    )  # fmt: skip
