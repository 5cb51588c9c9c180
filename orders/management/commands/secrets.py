"""``manage.py secrets …``: the keys that seal stored secrets, and moving everything to a new one without downtime."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from orders.access import sealing
from orders.access.kept_secrets import Kept, kept_secrets

LIST, RESEAL = "list", "reseal"
HOW_TO_MEND = (
    "{count} cannot be opened. If you still have the key, put it back into HUB_ENCRYPTION_KEYS (last is enough) and "
    "restart. If it is gone for good, enter each again; docs/guides/running.md, Keys, says where."
)


class Command(BaseCommand):
    help = (
        "list: every stored secret, its key and whether it opens (never its value). reseal: seal all with the first "
        "key of HUB_ENCRYPTION_KEYS. Exit 0, or 1 when a secret cannot be opened and must be entered again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=[LIST, RESEAL])

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == RESEAL:
            first = settings.HUB_ENCRYPTION_KEYS[0][0]
            self.stdout.write(f"{sealing.reseal_all()} secrets moved to the key {first}.")
        lost = 0
        for kept in kept_secrets():
            lost += bool(kept.lost)
            if options["verb"] == LIST or kept.lost:
                self.stdout.write(_line(kept))
        if lost:
            self.stderr.write(HOW_TO_MEND.format(count=lost))
            raise SystemExit(1)


def _line(kept: Kept) -> str:
    state = f"LOST: {kept.lost}" if kept.lost else "opens"
    return f"{kept.whose}  {kept.owner}  {kept.kind}  key {kept.key_id}  {state}"
