"""``manage.py destinations …``: the health of webhooks and OrderFlow channels (orders.outbox.destination_health)."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from orders.access.staff import operator
from orders.management.arguments import FreeOrderCommand
from orders.models import Destination, Tenant
from orders.outbox import destination_health
from orders.values.instants import instant

UNKNOWN, WRONG_USE = 1, 2
LIST, PAUSE, RESUME, PROBE = "list", "pause", "resume", "probe"


class Command(FreeOrderCommand):
    help = (
        "List destinations, keep their deliveries pending (pause), go on (resume), or let one delivery through now "
        "(probe). One line each: tenant, channel, name, state, detail. Exit 0 done, 1 none found, 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=[LIST, PAUSE, RESUME, PROBE])
        parser.add_argument("tenant", nargs="?", metavar="TENANT")
        parser.add_argument("name", nargs="?", metavar="NAME", help="id of the supplier or OrderFlow channel")
        parser.add_argument("--reason", default="", metavar="TEXT", help="kept with pause and resume")
        parser.add_argument("--json", action="store_true", help="one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = options["verb"]
        if verb != LIST and options["tenant"] is None:
            words = f"Name the tenant, and the destination if you mean one: destinations {verb} TENANT NAME."
            raise CommandError(words, returncode=WRONG_USE)
        for pk in _found(options["tenant"], options["name"]):
            destination = self._use(pk, verb, options["reason"])
            said = _said(destination)
            self.stdout.write(json.dumps(said) if options["json"] else _line(said))

    def _use(self, pk: int, verb: str, reason: str) -> Destination:
        """Each destination in a transaction of its own, under its row's lock."""
        with transaction.atomic():
            rows = Destination.objects.all() if verb == LIST else Destination.locked()
            destination = rows.select_related("tenant").get(pk=pk)
            if verb == PAUSE:
                destination_health.pause(destination, who=operator(), reason=reason)
            elif verb == RESUME:
                destination_health.resume(destination, who=operator(), reason=reason)
            elif verb == PROBE:
                destination_health.probe(destination, who=operator())
        return destination


def _found(slug: str | None, name: str | None) -> list[int]:
    rows = Destination.objects.order_by("tenant__slug", "channel", "name")
    if slug is None:
        return list(rows.values_list("pk", flat=True))
    if not Tenant.objects.filter(slug=slug).exists():
        raise CommandError(f"There is no tenant {slug!r}.", returncode=UNKNOWN)
    rows = rows.filter(tenant__slug=slug)
    if name is None:
        return list(rows.values_list("pk", flat=True))
    found = list(rows.filter(name=name).values_list("pk", flat=True))
    if not found:
        known = ", ".join(rows.values_list("name", flat=True)) or "none"
        raise CommandError(f"Tenant {slug} has no destination {name!r}; it has: {known}.", returncode=UNKNOWN)
    return found


def _said(destination: Destination) -> dict[str, Any]:
    return {
        "tenant": destination.tenant.slug,
        "channel": destination.channel,
        "name": destination.name,
        "state": _state(destination),
        "detail": destination.state_reason,
        "since": instant(destination.state_since),
        "failures": destination.failures,
        "nextProbeAt": instant(destination.probe_at),
    }


def _state(destination: Destination) -> str:
    """``running``, ``paused`` and ``stopped`` are the row's own; the other two hold it all the same."""
    if not destination.active or not destination.tenant.active:
        return "inactive"
    if destination.state == Destination.State.RUNNING and destination.open_seconds is not None:
        return "breaker open"
    return str(destination.state)


def _line(said: dict[str, Any]) -> str:
    notes = [said["detail"] and " ".join(said["detail"].split())]
    notes += [f"{said['failures']} failures in a row"] if said["failures"] else []
    notes += [f"next probe {said['nextProbeAt']}"] if said["nextProbeAt"] else []
    detail = "; ".join(note for note in notes if note) or "-"
    return "\t".join((said["tenant"], said["channel"], said["name"], said["state"], detail))
