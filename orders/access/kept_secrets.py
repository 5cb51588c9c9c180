"""What lies sealed in the database: partners' secrets and staff's authenticator apps, and which of it still opens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orders.access import second_step
from orders.access.sealing import SecretLost, open_row
from orders.access.second_step import SecondStepLost
from orders.models import SecondStep, Secret


@dataclass(frozen=True, slots=True)
class Kept:
    whose: str
    """A tenant's id, ``the hub`` or ``staff``."""
    owner: str
    kind: str
    key_id: str
    lost: str = ""
    """Why it does not open, and what must be entered again; empty where it opens."""


def kept_secrets() -> Iterator[Kept]:
    """Everything, opened one by one; the values are dropped at once."""
    for row in Secret.objects.select_related("tenant").order_by("tenant_id", "owner", "kind").iterator():
        whose = row.tenant.slug if row.tenant else "the hub"
        yield Kept(whose, row.owner, row.kind, row.key_id, _why_lost(row))
    for step in SecondStep.objects.select_related("user").order_by("user__username").iterator():
        yield Kept("staff", step.user.get_username(), "second step", step.key_id, _why_lost(step))


def _why_lost(row: Secret | SecondStep) -> str:
    try:
        open_row(row) if isinstance(row, Secret) else second_step.key_of(row)
    except (SecretLost, SecondStepLost) as lost:
        return str(lost)
    return ""
