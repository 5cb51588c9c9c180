"""API clients: made, changed, their secrets rotated. Used by onboarding and the admin, for tenants and suppliers."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.utils import timezone

from orders.models import ApiClient, Handover, Tenant
from orders.values.problems import Conflict

SECRET_BYTES = 48
ROTATION_OVERLAP = timedelta(hours=24)
"""How long the replaced secret stays good, so that a client can change over without a gap."""


class ClientRefused(Conflict):
    """The client cannot be stored as asked: its id is another's, or a scope is not of its kind."""


@dataclass(frozen=True, slots=True)
class SavedClient:
    client: ApiClient
    created: bool
    made_secret: str | None = field(default=None, repr=False)
    """The generated secret, to be shown once; None where one was given or kept."""
    changed: dict[str, tuple[object, object]] = field(default_factory=dict)
    """Members that differ from before: name -> (old, new); the secret as masks."""


@dataclass(frozen=True, slots=True)
class ClientEntry:
    """What an API client should be. ``client_secret`` None keeps the stored one, or makes one for a new client."""

    client_id: str
    scopes: Sequence[str]
    client_secret: str | None = field(default=None, repr=False)
    business_units: Sequence[str] | None = None
    public_keys: Sequence[str] = ()
    active: bool = True
    kind: str = ApiClient.Kind.TENANT


@transaction.atomic
def save_client(tenant: Tenant, entry: ClientEntry) -> SavedClient:
    """Make the stored client what the entry says, in the caller's transaction. Raises ClientRefused."""
    client = ApiClient.objects.select_for_update(no_key=True).filter(client_id=entry.client_id).first()
    if client and (client.tenant_id, client.kind) != (tenant.pk, entry.kind):
        raise ClientRefused(f"client_id {entry.client_id!r} is already another client's; choose another.")
    created = client is None
    client = client or _new_client(tenant, entry)
    unknown = [scope for scope in entry.scopes if scope not in client.known_scopes]
    if unknown:
        known = ", ".join(client.known_scopes)
        raise ClientRefused(f"{unknown[0]!r} is no scope of a {entry.kind} client; use {known}.")
    changed = _assign(client, entry)
    made = _assign_secret(client, entry, created=created, changed=changed)
    if created:
        client.save()
    elif changed:
        client.save(update_fields=_columns(changed))
    if "client_secret" in changed:
        _no_longer_unseen(client)
    return SavedClient(client=client, created=created, made_secret=made, changed=changed)


def _columns(changed: Iterable[str]) -> list[str]:
    secret = ["previous_client_secret"] if "client_secret" in changed else []
    return [*changed, *secret, "updated"]


def _new_client(tenant: Tenant, entry: ClientEntry) -> ApiClient:
    return ApiClient(
        tenant=tenant,
        client_id=entry.client_id,
        kind=entry.kind,
        client_type=ApiClient.CLIENT_CONFIDENTIAL,
        authorization_grant_type=ApiClient.GRANT_CLIENT_CREDENTIALS,
    )


def _assign(client: ApiClient, entry: ClientEntry) -> dict[str, tuple[object, object]]:
    units = None if entry.business_units is None else list(entry.business_units)
    wanted: dict[str, object] = {
        "scopes": list(entry.scopes),
        "business_units": units,
        "public_keys": list(entry.public_keys),
        "active": entry.active,
    }
    changed = {name: (getattr(client, name), new) for name, new in wanted.items() if getattr(client, name) != new}
    for name, (_, new) in changed.items():
        setattr(client, name, new)
    return changed


def _assign_secret(
    client: ApiClient, entry: ClientEntry, *, created: bool, changed: dict[str, tuple[object, object]]
) -> str | None:
    if entry.client_secret is None:
        if not created:
            return None
        made = secrets.token_urlsafe(SECRET_BYTES)
        client.client_secret = made
        return made
    if created or not check_password(entry.client_secret, client.client_secret):
        client.client_secret = entry.client_secret
        client.previous_client_secret = ""
        changed["client_secret"] = ("********", "********")
    return None


@transaction.atomic
def rotate_secret(client: ApiClient) -> str:
    """Give the client a new secret; the old one stays good for ROTATION_OVERLAP. Returns the new one, to show once.

    Locks the client, as ``handover.hand_over`` does: of both at once the later one shows the secret that is good.
    """
    client.refresh_from_db(from_queryset=ApiClient.objects.select_for_update(no_key=True))
    made = secrets.token_urlsafe(SECRET_BYTES)
    client.previous_client_secret = client.client_secret
    client.previous_secret_until = timezone.now() + ROTATION_OVERLAP
    client.client_secret = made
    client.save(update_fields=["client_secret", "previous_client_secret", "previous_secret_until", "updated"])
    _no_longer_unseen(client)
    return made


def _no_longer_unseen(client: ApiClient) -> None:
    """Somebody has its secret, so that switching the tenant on makes no other (orders.onboarding.handover)."""
    Handover.objects.filter(client=client).delete()
