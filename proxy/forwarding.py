"""One read of a tenant's external service: authorized, within one deadline, its failures classified.

    breaker, bulkhead -> credentials -> token -> request (repeated once if no byte came) -> Answer with status 200

Everything else is raised as a problem of docs/reference/customer-order.md#external-errors; its cause says to ops what
happened.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Final

from django.conf import settings

from orders.http.correlation import correlation_id
from orders.http.raw_paths import encode_segment
from orders.models import Tenant
from orders.outgoing import Answer, Call, ConnectFailed, ConnectionCut, Deadline, OutgoingError, send
from orders.outgoing.partner_tokens import PartnerTokenError, send_authorized
from orders.values.problems import ExternalUnavailable, Problem
from proxy import breaker, bulkhead
from proxy.credentials import Credentials, Login, credentials_of, read_credentials
from proxy.failures import counts_against, problem_of_error, problem_of_status

ACCEPT: Final = {"Accept": "application/json"}


def read_order(tenant: Tenant, business_unit_id: str, customer_order_id: str) -> Answer:
    """Raises UnknownOrder, or a problem of the external service."""
    return _read(tenant, order_call(tenant, business_unit_id, customer_order_id))


def search_orders(tenant: Tenant, business_unit_id: str, body: bytes) -> Answer:
    """Sends the body of a search (proxy.searching). Raises a problem of the external service."""
    return _read(tenant, search_call(tenant, business_unit_id, body))


def order_call(tenant: Tenant, business_unit_id: str, customer_order_id: str) -> Call:
    return _call(tenant, "GET", f"{_orders_url(tenant, business_unit_id)}/{encode_segment(customer_order_id)}")


def search_call(tenant: Tenant, business_unit_id: str, body: bytes) -> Call:
    call = _call(tenant, "POST", f"{_orders_url(tenant, business_unit_id)}:search")
    return replace(call, body=body, headers={**call.headers, "Content-Type": "application/json"})


def _orders_url(tenant: Tenant, business_unit_id: str) -> str:
    base = tenant.external_url.rstrip("/")
    if "?" in base or "#" in base:
        raise ExternalUnavailable(f"The external URL of {tenant.slug} must end with its path, without ? and #.")
    return f"{base}/business-units/{encode_segment(business_unit_id)}/customer-orders"


def _call(tenant: Tenant, method: str, url: str) -> Call:
    return Call(
        method,
        url,
        headers={**ACCEPT, "Tenant-Id": tenant.slug},
        destination=f"proxy:{tenant.pk}",
        correlation_id=correlation_id(),
        needs_body_of=(200,),
    )


def _read(tenant: Tenant, call: Call) -> Answer:
    credentials = credentials_of(tenant)
    breaker.admit(tenant.pk)
    deadline = Deadline.after(allowed_seconds(tenant))
    try:
        bulkhead.enter(tenant.pk, deadline)
    except Problem:
        breaker.undecided(tenant.pk)
        raise
    try:
        answer = _answer(tenant, call, credentials, deadline=deadline)
    except (OutgoingError, PartnerTokenError) as error:
        _report(tenant, failed=counts_against(error), answered=isinstance(error, PartnerTokenError))
        raise problem_of_error(error) from error
    except BaseException:
        breaker.undecided(tenant.pk)
        raise
    finally:
        bulkhead.leave(tenant.pk)
    _report(tenant, failed=answer.status >= 500, answered=True)
    if answer.status != 200:
        raise problem_of_status(answer, searching=call.method == "POST")
    return answer


def _report(tenant: Tenant, *, failed: bool, answered: bool) -> None:
    """Report to the breaker. ``answered``: the service answered, so it is up unless it failed."""
    if failed:
        breaker.failed(tenant.pk)
    elif answered:
        breaker.succeeded(tenant.pk)
    else:
        breaker.undecided(tenant.pk)


def _answer(tenant: Tenant, call: Call, credentials: Credentials, *, deadline: Deadline) -> Answer:
    try:
        refusal = None
        answer = exchange(call, credentials=credentials, deadline=deadline)
    except PartnerTokenError as error:
        refusal = error
    if refusal is None and answer.status != 401:
        return answer
    newer = read_credentials(tenant)
    if newer != credentials:  # changed by another process a moment ago
        return exchange(call, credentials=newer, deadline=deadline)
    if refusal is not None:
        raise refusal
    return answer


def allowed_seconds(tenant: Tenant) -> float:
    """The limit of a whole proxied call, in seconds."""
    return tenant.proxy_timeout_seconds or float(settings.HUB_PROXY_TIMEOUT_SECONDS)


def exchange(call: Call, *, credentials: Credentials, deadline: Deadline) -> Answer:
    """Authorize and send; repeated once when the connection was refused, or cut before any byte of the answer."""
    try:
        return _exchange_once(call, credentials=credentials, deadline=deadline)
    except ConnectFailed:
        return _exchange_once(call, credentials=credentials, deadline=deadline)
    except ConnectionCut as cut:
        if not cut.before_answer:
            raise
        return _exchange_once(call, credentials=credentials, deadline=deadline)


def _exchange_once(call: Call, *, credentials: Credentials, deadline: Deadline) -> Answer:
    if isinstance(credentials, Login):
        pair = f"{credentials.username}:{credentials.password}".encode()
        basic = f"Basic {base64.b64encode(pair).decode()}"
        return send(replace(call, headers={**call.headers, "Authorization": basic}), deadline=deadline)
    return send_authorized(call, credentials=credentials, deadline=deadline)
