"""``manage.py suppliers …``: try a supplier's webhook, rotate its signing secret (suppliers.webhooks.test_events)."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from orders.access.staff import operator
from orders.integrations.self_test import Step
from orders.management.arguments import FreeOrderCommand
from suppliers.models import Webhook
from suppliers.webhooks import test_events

FAILED, WRONG_USE = 1, 2
TEST, VERIFY, ROTATE = "test", "verify", "rotate"


class Command(FreeOrderCommand):
    help = (
        "Send a supplier's webhook a test event (test), see that it takes ours and refuses a forged one (verify), or "
        "give it a new signing secret, printed once (rotate). Exit 0 as it should, 1 not, 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=[TEST, VERIFY, ROTATE])
        parser.add_argument("tenant", metavar="TENANT")
        parser.add_argument("supplier", metavar="SUPPLIER")
        parser.add_argument("--json", action="store_true", help="one JSON object per step")

    def handle(self, *args: Any, **options: Any) -> None:
        webhook = _webhook(options["tenant"], options["supplier"])
        if options["verb"] == ROTATE:
            self.stdout.write(test_events.rotate_signing_secret(webhook, who=operator()))
            return
        attempt = test_events.send_test_event if options["verb"] == TEST else test_events.verify
        steps = attempt(webhook, who=operator())
        for step in steps:
            self.stdout.write(json.dumps(step.as_json()) if options["json"] else _line(step))
        if not all(step.ok for step in steps):
            raise CommandError("The webhook did not do as it should; see the lines above.", returncode=FAILED)


def _webhook(tenant: str, supplier: str) -> Webhook:
    rows = Webhook.objects.select_related("supplier__tenant", "destination")
    webhook = rows.filter(supplier__tenant__slug=tenant, supplier__slug=supplier).first()
    if webhook is None:
        words = f"{tenant} has no supplier {supplier} with a webhook; list them with: destinations list {tenant}."
        raise CommandError(words, returncode=FAILED)
    return webhook


def _line(step: Step) -> str:
    return f"{'ok    ' if step.ok else 'FAILED'}  {step.step}  {step.ms} ms  {step.detail}"
