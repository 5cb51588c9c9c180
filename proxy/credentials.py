"""The credentials towards external services: stored sealed, kept open in memory for a moment.

A process reads a tenant's credentials once a second at most. Old ones that the external service no longer accepts are
read again before its 401 is believed (``forwarding``). A caller that sets new ones and must be
sure that no process uses the old any more waits out that second (``wait_until_everywhere``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction

from orders.access import sealing
from orders.models import Tenant
from orders.outgoing import same_host, same_origin
from orders.outgoing.partner_tokens import ClientCredentials
from orders.values.problems import ProxyNotConfigured
from proxy.models import ProxyConfig

SECRET_KIND = "proxy-auth"
SET_BY_CONFIGURATION = ("type", "public", "set_by", "changed_at")
KEPT_SECONDS = 1.0
"""How long a process remembers opened credentials; a PUT of new ones answers when it is over everywhere."""
KEPT_MOST = 5_000
"""Tenants remembered; beyond that the memory is emptied. A dictionary, as in ``orders.access.bearer_tokens``."""


@dataclass(frozen=True, slots=True)
class Login:
    """Basic authentication."""

    username: str
    password: str = field(repr=False)


Credentials = Login | ClientCredentials

_kept: dict[int, tuple[float, Credentials]] = {}


def credentials_of(tenant: Tenant) -> Credentials:
    """Raises ProxyNotConfigured where none are set, or where they cannot be opened."""
    until, credentials = _kept.get(tenant.pk, (0.0, None))
    if credentials is None or until < time.monotonic():
        credentials = read_credentials(tenant)
    return credentials


def read_credentials(tenant: Tenant) -> Credentials:
    """From the database, whatever is kept in memory."""
    _kept.pop(tenant.pk, None)
    config = ProxyConfig.objects.filter(tenant_id=tenant.pk).first()
    if config is None:
        raise ProxyNotConfigured("No credentials are set yet; set them with PUT /api/v1/proxy-config.")
    try:
        secret = stored_secret(config)
    except sealing.SecretLost as lost:
        raise ProxyNotConfigured("The stored credentials cannot be read; set them again.") from lost
    if secret is None:
        raise ProxyNotConfigured("The stored credentials have no secret; set them with PUT /api/v1/proxy-config.")
    credentials = opened(config, secret, tenant=tenant)
    if len(_kept) >= KEPT_MOST:
        _kept.clear()
    _kept[tenant.pk] = (time.monotonic() + KEPT_SECONDS, credentials)
    return credentials


def opened(config: ProxyConfig, secret: str, *, tenant: Tenant) -> Credentials:
    """What a configuration and its secret mean, stored or only about to be."""
    if config.type == ProxyConfig.Type.BASIC:
        return Login(config.public["username"], secret)
    auth_url = config.public["authUrl"]
    trusted = config.set_by == ProxyConfig.SetBy.OPS or same_host(auth_url, tenant.external_url)
    return ClientCredentials(auth_url, config.public["clientId"], secret, private_allowed=trusted)


def locked_config(tenant_id: int) -> ProxyConfig | None:
    """What is stored, unchanged by others until the caller's transaction ends; also where nothing is stored yet."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant_id)
    return ProxyConfig.objects.filter(tenant_id=tenant_id).first()


def store(config: ProxyConfig, secret: str | None, *, reason: str = "") -> bool:
    """Put a tenant's configuration in the place of what it had. A secret of None keeps the stored one.

    ``reason`` is kept in the history. Returns whether there was one before.
    """
    with transaction.atomic():
        before = locked_config(config.tenant_id)
        if before is not None:
            config.pk = before.pk
            config._state.adding = False
        config._change_reason = reason
        config.save(update_fields=None if before is None else SET_BY_CONFIGURATION)
        if secret is not None:
            sealing.store_secret(tenant_id=config.tenant_id, kind=SECRET_KIND, owner=_owner(config), value=secret)
    _kept.pop(config.tenant_id, None)
    return before is not None


def wait_until_everywhere() -> None:
    """Return when no process remembers credentials from before; at once where there is one process."""
    if not settings.HUB_EMBEDDED:
        time.sleep(KEPT_SECONDS)


def would_go_elsewhere(config: ProxyConfig, *, before: str, after: str, auth_url: str = "") -> bool:
    """Whether the stored secret, or a token got with it, would go to another host than it was entered for.

    ``before`` and ``after`` are the tenant's external URLs; ``auth_url`` is the one that comes, where one does.
    """
    addresses = [(before, after)] if after else []
    if config.type == ProxyConfig.Type.OAUTH2 and auth_url:
        addresses.append((config.public["authUrl"], auth_url))
    return not all(same_origin(one, other) for one, other in addresses)


def masked(config: ProxyConfig) -> dict[str, Any]:
    return config.shown(sealing.MASK)


def stored_secret(config: ProxyConfig) -> str | None:
    """Raises SecretLost."""
    return sealing.open_secret(tenant_id=config.tenant_id, kind=SECRET_KIND, owner=_owner(config))


def forget_credentials() -> None:
    """Drop this process's memory."""
    _kept.clear()


def _owner(config: ProxyConfig) -> str:
    return f"proxy.proxyconfig:{config.pk}"
