"""``manage.py migration …``: how far a tenant's move to events is, the cut-over and the way back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from orders.access.staff import operator
from orders.cutover.checklist import OVERRIDABLE, Checklist, checklist
from orders.cutover.switch import EFFECT_SECONDS, CutOverRefused, cut_over, go_back
from orders.management.arguments import FreeOrderCommand
from orders.models import Tenant
from orders.values.instants import instant

REFUSED, WRONG_USE = 1, 2
STATUS, CUT_OVER, RETURN = "status", "cut-over", "return"
SOON = f"New requests are answered so within {EFFECT_SECONDS} s, by every process."


class Command(FreeOrderCommand):
    help = (
        "Say how far a tenant's move from proxy to events mode is (status), switch it to events (cut-over), let its "
        "own system answer again (return). Exit 0 done, or all ok; 1 refused, or not all ok yet; 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=[STATUS, CUT_OVER, RETURN])
        parser.add_argument("--tenant", required=True, metavar="ID")
        parser.add_argument("--reason", default="", metavar="TEXT", help="kept on record; a cut-over wants one")
        parser.add_argument(
            "--override", action="append", default=[], metavar="LINE", choices=[key.value for key in OVERRIDABLE],
            help="cut over although this line of the checklist is not ok: %(choices)s",
        )  # fmt: skip
        parser.add_argument("--to", default=Tenant.Mode.PROXY.value, choices=["proxy", "migrating"], help="with return")
        parser.add_argument("--json", action="store_true", help="status as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}.", returncode=WRONG_USE)
        try:
            {STATUS: self._status, CUT_OVER: self._cut_over, RETURN: self._return}[options["verb"]](tenant, options)
        except CutOverRefused as refused:
            raise CommandError("\n".join([str(refused), *map(_open, refused.lines)]), returncode=REFUSED) from None

    def _status(self, tenant: Tenant, options: dict[str, Any]) -> None:
        seen = checklist(tenant)
        lines = [json.dumps(_as_json(tenant, seen))] if options["json"] else _said(tenant, seen)
        for line in lines:
            self.stdout.write(line)
        if not seen.ok:
            raise SystemExit(REFUSED)

    def _cut_over(self, tenant: Tenant, options: dict[str, Any]) -> None:
        cut_over(tenant, who=operator(), reason=options["reason"], overriding=options["override"])
        self.stdout.write(f"{tenant.slug} is cut over: it is in events mode. {SOON}")

    def _return(self, tenant: Tenant, options: dict[str, Any]) -> None:
        back = go_back(tenant, to=options["to"], who=operator(), reason=options["reason"])
        self.stdout.write(f"{tenant.slug} is in {back.mode} mode: its own system answers reads again. {SOON}")


def _said(tenant: Tenant, seen: Checklist) -> Iterator[str]:
    yield f"{tenant.slug} is in {tenant.mode} mode."
    if tenant.mode == Tenant.Mode.EVENTS:
        yield "There is nothing to cut over. (migration return lets its own system answer again.)"
        return
    for line in seen.lines:
        yield str(line)
        if not line.ok:
            yield f"         {line.next}"
    if seen.progress.finishes_at:
        yield f"By the present rate the last missing order comes at {instant(seen.progress.finishes_at)}."
    if tenant.mode == Tenant.Mode.PROXY:
        yield "Put it in migrating mode to begin the move."
    else:
        yield "It may be cut over." if seen.ok else "It is not cut over like this."


def _open(line: Any) -> str:
    may = f" (or --override {line.key} with a reason)" if line.overridable else ""
    return f"{line}\n         {line.next}{may}"


def _as_json(tenant: Tenant, seen: Checklist) -> dict[str, Any]:
    return {
        "tenant": tenant.slug,
        "mode": tenant.mode,
        "ok": seen.ok,
        "known": seen.progress.known,
        "received": seen.progress.received,
        "missing": seen.progress.missing,
        "finishesAt": instant(seen.progress.finishes_at),
        "lines": [
            {"line": line.key, "ok": line.ok, "what": line.what, "figure": line.figure, "next": line.next}
            for line in seen.lines
        ],
    }
