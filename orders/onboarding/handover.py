"""What the tenant's IT gets when the tenant is switched on: secrets, shown once, and lines for a shell."""

from __future__ import annotations

import json
import secrets
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from orders.access.clients import SECRET_BYTES
from orders.http.raw_paths import encode_segment
from orders.models import ApiClient, Handover, Tenant

FIRST_ORDER = "first-order"
_TOKEN = 'sed \'s/.*"access_token": *"\\([^"]*\\)".*/\\1/\''


@dataclass(frozen=True, slots=True)
class Paste:
    """A line for a shell, and what it does."""

    words: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """One client with its secret, for a page that is shown once and not stored."""

    client: ApiClient
    secret: str = field(repr=False)

    @property
    def pastes(self) -> list[Paste]:
        return paste_lines(self.client, self.secret)


def mark_for_handover(clients: Iterable[ApiClient]) -> None:
    """Mark clients whose secrets nobody has seen: they get new ones when the tenant is switched on."""
    for client in clients:
        Handover.objects.get_or_create(client=client)


@transaction.atomic
def hand_over(tenant: Tenant) -> list[Credentials]:
    """Make a new secret for every client marked by ``mark_for_handover``; shown in this one response only.

    Locks the clients before their handovers, as the rotation of a secret does.
    """
    list(ApiClient.objects.select_for_update(no_key=True).filter(tenant=tenant).order_by("pk").values_list("pk"))
    waiting = Handover.objects.select_for_update(of=("self",)).filter(client__tenant=tenant).select_related("client")
    made = [Credentials(row.client, _new_secret(row.client)) for row in waiting.order_by("client_id")]
    Handover.objects.filter(client__in=[one.client for one in made]).delete()
    return made


def _new_secret(client: ApiClient) -> str:
    """Replace the secret at once: nobody has seen the old one."""
    made = secrets.token_urlsafe(SECRET_BYTES)
    client.client_secret = made
    client.save(update_fields=["client_secret", "updated"])
    return made


def paste_lines(client: ApiClient, secret: str) -> list[Paste]:
    """Shell lines; the first one keeps a token for the others."""
    hub = settings.HUB_PUBLIC_URL.rstrip("/")
    login = shlex.quote(f"{client.client_id}:{secret}")
    signs_in = f"curl -s -u {login} -d grant_type=client_credentials {shlex.quote(f'{hub}/oauth2/token')}"
    lines = [
        Paste("Get a token (kept in this shell for the lines below)", f"TOKEN=$({signs_in} | {_TOKEN})"),
    ]
    if client.kind == ApiClient.Kind.SUPPLIER:
        path = f"{hub}/api/Orders?ExternalId=00000000-0000-0000-0000-000000000000"
        return [
            *lines,
            Paste("Fetch an order: 404 says that the way is open and nobody has this one", _curl("GET", path)),
        ]
    unit = (client.business_units or ["store-1"])[0]
    orders = f"{hub}/api/v1/business-units/{encode_segment(unit)}/customer-orders"
    if "customer-orders:write" in client.scopes and client.tenant.mode != Tenant.Mode.PROXY:
        words = "Send a first order. It is a real one: suppliers and warehouses that take its item are notified"
        lines.append(Paste(words, _curl("PUT", f"{orders}/{FIRST_ORDER}", {"customerOrder": _first_order()})))
    if "customer-orders:read" in client.scopes:
        lines.append(Paste("Read it: 404 where there is no such order", _curl("GET", f"{orders}/{FIRST_ORDER}")))
        lines.append(Paste("Search orders", _curl("POST", f"{orders}:search", {})))
    return lines


def _curl(method: str, url: str, body: object = None) -> str:
    line = f'curl -s -i -X {method} -H "Authorization: Bearer $TOKEN"'
    if body is not None:
        line += f" -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
    return f"{line} {shlex.quote(url)}"


def _first_order() -> dict[str, object]:
    item = {"itemId": "SAMPLE-1", "quantityOrdered": 1, "unitPrice": 1}
    return {"customerOrderId": FIRST_ORDER, "customerId": "customer-1", "status": "CREATED", "items": [item]}
