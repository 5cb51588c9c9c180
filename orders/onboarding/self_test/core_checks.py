"""The core's trials: a token, a read, a search, the API's description, and the public address.

Secrets of API clients are stored as digests, so the self-test cannot sign in with them. It creates a client of the
tenant for the run, with a secret in memory, and deletes it afterwards; the next run deletes one that a killed run left.
So it tests the tenant's access, not the secrets; these are tested with the curl lines that are shown with them.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings

from orders.access.clients import SECRET_BYTES, ClientEntry, save_client
from orders.http.raw_paths import encode_segment
from orders.integrations.self_test import CHECK_ID, Trial, TrialResult, failed, not_applicable, ok
from orders.models import ApiClient, Order, Tenant
from orders.onboarding.self_test.in_process_client import SurfaceAnswer, call
from orders.outgoing import Call, Deadline, OutgoingError, send

AREA = "API"
"""Of the self-test: the first word of its lines."""
READ = "customer-orders:read"
CLIENT_PREFIX = "selftest."
"""No tenant's id holds a dot, so no client that a person made looks like these by accident."""
PUBLIC_SECONDS = 5.0
"""A running server answers ``/livez`` at once."""
OFF = "The tenant is switched off, so that nothing of its API answers. Switch it on, then run the self-test again."


def trials(tenant: Tenant, *, who: str) -> Generator[Trial, None, None]:
    if tenant.active:
        with _client(tenant) as (client_id, secret):
            visit = _Visit(tenant, client_id, secret)
            yield Trial(AREA, "token", visit.token)
            yield Trial(AREA, "read one order", visit.read)
            yield Trial(AREA, "search", visit.search)
    else:
        yield from (Trial(AREA, step, lambda: not_applicable(OFF)) for step in ("token", "read one order", "search"))
    yield Trial(AREA, "contract", _contract)
    yield Trial(AREA, "public address", _public)


@contextmanager
def _client(tenant: Tenant) -> Iterator[tuple[str, str]]:
    prefix = f"{CLIENT_PREFIX}{tenant.slug}."
    ApiClient.objects.filter(tenant=tenant, client_id__startswith=prefix).delete()
    client_id, secret = f"{prefix}{secrets.token_hex(8)}", secrets.token_urlsafe(SECRET_BYTES)
    save_client(tenant, ClientEntry(client_id=client_id, scopes=[READ], client_secret=secret))
    try:
        yield client_id, secret
    finally:
        ApiClient.objects.filter(client_id=client_id).delete()


@dataclass(slots=True)
class _Visit:
    """What a till does: get a token, read, search."""

    tenant: Tenant
    client_id: str
    secret: str = field(repr=False)
    bearer: str = field(default="", repr=False)

    def token(self) -> TrialResult:
        pair = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"}
        answer = call("POST", "/oauth2/token", headers=headers, body=b"grant_type=client_credentials")
        body = answer.json() if answer.status == 200 else None
        self.bearer = body.get("access_token", "") if isinstance(body, dict) else ""
        if not self.bearer:
            return failed(answer.said, "Look at the log of the hub for this minute; the tenant's settings are not it.")
        return ok(f"A client of {self.tenant} gets a token for {READ}.")

    def read(self) -> TrialResult:
        if not self.bearer:
            return _needs_token()
        unit, order_id = self._known_order() or (CHECK_ID, CHECK_ID)
        target = f"{_orders(unit)}/{encode_segment(order_id)}"
        answer = call("GET", target, headers={"Authorization": f"Bearer {self.bearer}"})
        if answer.status == 200:
            return ok(f"Order {order_id} of {unit} is answered, {len(answer.body)} bytes.")
        if answer.status == 404 and order_id == CHECK_ID:
            return ok("It answers. The order asked for does not exist, as expected (404).")
        return self._unanswered(answer)

    def search(self) -> TrialResult:
        if not self.bearer:
            return _needs_token()
        headers = {"Authorization": f"Bearer {self.bearer}", "Content-Type": "application/json"}
        body = json.dumps({"customerOrderId": CHECK_ID}).encode()
        answer = call(
            "POST", f"{_orders((self._known_order() or (CHECK_ID, ''))[0])}:search", headers=headers, body=body
        )
        found = answer.json() if answer.status == 200 else None
        if isinstance(found, dict) and isinstance(found.get("customerOrders"), list):
            return ok(f"It answers with {len(found['customerOrders'])} orders for an id that nobody has.")
        return self._unanswered(answer)

    def _unanswered(self, answer: SurfaceAnswer) -> TrialResult:
        if self.tenant.mode == Tenant.Mode.EVENTS:
            return failed(answer.said, "Look at the log of the hub for this minute; the order is kept here.")
        return failed(answer.said, "The tenant's own order service is asked for it: see the line of the proxied read.")

    def _known_order(self) -> tuple[str, str] | None:
        if self.tenant.mode != Tenant.Mode.EVENTS:
            return None
        return Order.objects.filter(tenant=self.tenant).values_list("business_unit_id", "customer_order_id").first()


def _orders(unit: str) -> str:
    return f"/api/v1/business-units/{encode_segment(unit)}/customer-orders"


def _needs_token() -> TrialResult:
    return not_applicable("It needs the token, which was not given.")


def _contract() -> TrialResult:
    answer = call("GET", "/schemas/v1/openapi.json")
    schema = answer.json() if answer.status == 200 else None
    if isinstance(schema, dict) and str(schema.get("openapi", "")).startswith("3.") and schema.get("paths"):
        return ok(f"The API describes itself at /schemas/v1/openapi.json: {len(schema['paths'])} addresses.")
    return failed(answer.said, "Look at the log of the hub for this minute; the description is made by the hub itself.")


def _public() -> TrialResult:
    """From inside it often cannot be reached, which says nothing about the outside: never a failure."""
    address = f"{settings.HUB_PUBLIC_URL.rstrip('/')}/livez"
    try:
        answer = send(Call("GET", address, destination="self-test"), deadline=Deadline.after(PUBLIC_SECONDS))
    except OutgoingError as error:
        return not_applicable(
            f"{address} cannot be asked from inside the hub ({error}). The lines above used the hub's own request "
            f"handling instead. From outside try: curl -i {address}"
        )
    if answer.status == 200:
        return ok(f"{address} answers.")
    return not_applicable(f"{address} answers {answer.status} from inside the hub. From outside try: curl -i {address}")
