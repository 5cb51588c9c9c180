"""``manage.py secrets …``: the keys that seal stored secrets, and moving everything to a new one without downtime."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from orders.access import sealing
from orders.models import Secret, Tenant

LIST, RESEAL = "list", "reseal"


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
        for line, opens in _lines():
            lost += not opens
            if options["verb"] == LIST or not opens:
                self.stdout.write(line)
        if lost:
            raise SystemExit(1)


def _lines() -> Iterator[tuple[str, bool]]:
    tenants: dict[int | None, str] = {None: "the hub", **dict(Tenant.objects.values_list("pk", "slug"))}
    for secret in Secret.objects.order_by("tenant_id", "owner", "kind").iterator():
        named = f"{tenants.get(secret.tenant_id, secret.tenant_id)}  {secret.owner}  {secret.kind}  key {secret.key_id}"
        try:
            sealing.open_secret(tenant_id=secret.tenant_id, kind=secret.kind, owner=secret.owner)
        except sealing.SecretLost as error:
            yield f"{named}  LOST: {error}", False
        else:
            yield f"{named}  opens", True
