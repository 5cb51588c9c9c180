"""A webhook's secrets and what a call to it needs (docs/reference/supplier-events.md#webhook-delivery).

Secrets are sealed apart from the webhook's row. A replaced signing secret goes on signing beside the new one for
OVERLAP, so that the receiver can change over without refusing an event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from orders.access import sealing
from orders.outgoing import signing
from orders.outgoing.partner_tokens import ClientCredentials
from suppliers.models import Webhook

OVERLAP = timedelta(hours=24)
"""As long as a replaced client secret stays good (orders.access.clients)."""

SIGNING = "webhook signing secret"
PREVIOUS_SIGNING = "webhook previous signing secret"
PASSWORD = "webhook password"
CLIENT_SECRET = "webhook clientSecret"
AUTH_SECRETS = {Webhook.AuthType.BASIC: PASSWORD, Webhook.AuthType.OAUTH2: CLIENT_SECRET}


@dataclass(frozen=True, slots=True)
class Target:
    """All that a call to a webhook needs, opened; kept in memory only."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)
    credentials: ClientCredentials | None = None


def target_of(webhook: Webhook, *, now: datetime) -> Target:
    """Raises sealing.SecretLost where a secret cannot be opened or is not there."""
    config = webhook.auth_config
    login, credentials = None, None
    if webhook.auth_type == Webhook.AuthType.BASIC:
        login = (config["username"], _opened(webhook, PASSWORD))
    if webhook.auth_type == Webhook.AuthType.OAUTH2:
        credentials = ClientCredentials(
            token_url=config["authUrl"],
            client_id=config["clientId"],
            client_secret=_opened(webhook, CLIENT_SECRET),
            scope=config.get("scope", ""),
            resource=config.get("resource", ""),
        )
    return Target(webhook.url, tuple(signing_secrets(webhook, now=now)), login, credentials)


def signing_secrets(webhook: Webhook, *, now: datetime) -> list[str]:
    """The secrets that sign, the present one first; a replaced one that does not open any more signs no longer."""
    secrets = [_opened(webhook, SIGNING)]
    if webhook.previous_secret_until is not None and webhook.previous_secret_until > now:
        previous = _stored_or_lost(webhook, PREVIOUS_SIGNING)
        secrets += [previous] if previous is not None else []
    return secrets


def set_signing_secret(webhook: Webhook, value: str | None = None) -> str | None:
    """Sign with this secret from now on, or with a made one; returns the new secret, or None when it is the old one.

    In the caller's transaction; raises signing.SecretFormatError. The replaced secret goes on signing for OVERLAP;
    where it does not open any more, nothing is left of it, nor of the one before.
    """
    secret = value if value is not None else signing.make_secret()
    signing.parse_secret(secret)
    old = _stored_or_lost(webhook)
    if secret == old:
        return None
    if old is not None:
        _store(webhook, PREVIOUS_SIGNING, old)
        webhook.previous_secret_until = timezone.now() + OVERLAP
        webhook.save(update_fields=["previous_secret_until"])
    else:
        sealing.delete_secret(tenant_id=webhook.supplier.tenant_id, kind=PREVIOUS_SIGNING, owner=_owner(webhook))
    _store(webhook, SIGNING, secret)
    return secret


def set_auth_secret(webhook: Webhook, value: str | None) -> bool:
    """Store the password or clientSecret of the webhook's auth type, drop the others'. True when it changed.

    ``value`` None keeps what is stored.
    """
    kept = AUTH_SECRETS.get(Webhook.AuthType(webhook.auth_type))
    for kind in {PASSWORD, CLIENT_SECRET} - {kept}:
        sealing.delete_secret(tenant_id=webhook.supplier.tenant_id, kind=kind, owner=_owner(webhook))
    if kept is None or value is None or _stored_or_lost(webhook, kept) == value:
        return False
    _store(webhook, kept, value)
    return True


def has_signing_secret(webhook: Webhook) -> bool:
    """Whether a signing secret is stored that opens."""
    return _stored_or_lost(webhook) is not None


def has_auth_secret(webhook: Webhook) -> bool:
    """Whether the secret that the webhook's auth type needs is stored."""
    kind = AUTH_SECRETS.get(Webhook.AuthType(webhook.auth_type))
    return kind is None or _stored_or_lost(webhook, kind) is not None


def forget_secrets(webhook: Webhook) -> None:
    """Drop all sealed secrets of a webhook that is about to be deleted."""
    for kind in (SIGNING, PREVIOUS_SIGNING, PASSWORD, CLIENT_SECRET):
        sealing.delete_secret(tenant_id=webhook.supplier.tenant_id, kind=kind, owner=_owner(webhook))


def _owner(webhook: Webhook) -> str:
    return f"suppliers.webhook:{webhook.pk}"


def _store(webhook: Webhook, kind: str, value: str) -> None:
    sealing.store_secret(tenant_id=webhook.supplier.tenant_id, kind=kind, owner=_owner(webhook), value=value)


def _stored(webhook: Webhook, kind: str) -> str | None:
    return sealing.open_secret(tenant_id=webhook.supplier.tenant_id, kind=kind, owner=_owner(webhook))


def _stored_or_lost(webhook: Webhook, kind: str = SIGNING) -> str | None:
    """None also for a secret whose key is gone: entering it again mends it."""
    try:
        return _stored(webhook, kind)
    except sealing.SecretLost:
        return None


def _opened(webhook: Webhook, kind: str) -> str:
    secret = _stored(webhook, kind)
    if secret is None:
        raise sealing.SecretLost(f"The {kind} of {webhook.supplier.slug} is not stored. Enter it again.")
    return secret
