"""Progress and problems, read from the rows."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from config.doctor.findings import Finding, warning, well, wrong
from orders.access.kept_secrets import kept_secrets
from orders.models import Destination
from orders.monitoring.invariants import broken_invariants
from orders.monitoring.progress import backlog, oldest_due
from orders.values.time_text import in_words

NAMED_MOST = 20


def secrets_open() -> Iterator[Finding]:
    """Every sealed secret opens with the configured keys."""
    first = settings.HUB_ENCRYPTION_KEYS[0][0]
    kept = list(kept_secrets())
    lost = [one.lost for one in kept if one.lost]
    older = sum(not one.lost and one.key_id != first for one in kept)
    for said in lost[:NAMED_MOST]:
        yield wrong("keys", said, "Put the old key back into HUB_ENCRYPTION_KEYS if you still have it.")
    if len(lost) > NAMED_MOST:
        yield wrong(
            "keys", f"and {len(lost) - NAMED_MOST} more secrets do not open", "manage.py secrets list names all."
        )
    if older:
        yield warning("keys", f"{older} secrets are sealed with an older key", "Run manage.py secrets reseal.")
    if not lost and not older:
        yield well("keys", f"every stored secret opens with the key {first}")


def progress() -> Iterator[Finding]:
    oldest, limit = oldest_due(), settings.HUB_PROGRESS_LIMIT_SECONDS
    for kind, age, queue in (("event", oldest.events, "inbound"), ("delivery", oldest.deliveries, "outbound")):
        said = f"the oldest due {kind} waits {in_words(age)}" if age is not None else f"no {kind} waits"
        if age is not None and age > limit:
            step = f"Read the logs of the {queue} workers and of beat, then see docs/guides/operations.md."
            yield wrong("progress", said, step)
        else:
            yield well("progress", said)


def dead_letters() -> Iterator[Finding]:
    dead = {kind: count for kind, count in backlog().dead.items() if count}
    if dead:
        said = " and ".join(f"{count} dead {kind}" for kind, count in dead.items())
        yield warning(
            "dead letters", said, "Open Dead letters in the admin, or run manage.py events list --status dead."
        )
    else:
        yield well("dead letters", "none")


def invariants() -> Iterator[Finding]:
    broken = broken_invariants()
    for one in broken[:NAMED_MOST]:
        yield wrong(
            "rows", str(one), "The hub does not correct it by itself. Report it; see docs/design/invariants.md."
        )
    if len(broken) > NAMED_MOST:
        yield wrong(
            "rows", f"and at least {len(broken) - NAMED_MOST} more", "Correct the first ones, then run doctor again."
        )
    if not broken:
        yield well("rows", "all invariants hold")


def destinations() -> Iterator[Finding]:
    stopped = Destination.objects.filter(active=True, tenant__active=True).exclude(state=Destination.State.RUNNING)
    for one in stopped.select_related("tenant")[:NAMED_MOST]:
        step = f"Correct the cause, then: manage.py destinations resume {one.tenant.slug} {one.name}"
        yield warning("destinations", f"{one.name} of {one.tenant} is {one.state}: {one.state_reason}", step)
    broken = Destination.objects.filter(
        active=True, tenant__active=True, state=Destination.State.RUNNING, open_seconds__isnull=False
    )
    for one in broken.select_related("tenant")[:NAMED_MOST]:
        step = "The hub probes it by itself. If it lasts, ask the partner."
        yield warning("destinations", f"{one.name} of {one.tenant} does not answer", step)
    if not stopped.exists() and not broken.exists():
        yield well("destinations", "all are running")
