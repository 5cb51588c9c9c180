"""Every way the hub speaks to a partner, asked for one URL: what came of it, in the words that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from orderflow.site.client import Site
from orderflow.site.reports import ImportReport, Trouble
from orders.documents import SearchCriteria
from orders.integrations.channels import Verdict
from orders.models import AlertMessage, AlertRule, Delivery, Destination, Incident, Tenant
from orders.monitoring.alerting import messages
from orders.outgoing import Deadline, OutgoingError, Probe, signing
from orders.outgoing.partner_tokens import ClientCredentials, PartnerTokenError
from orders.values.problems import ExternalUnavailable, Problem
from proxy.contract import order_of, page_of
from proxy.credentials import Login, opened
from proxy.failures import problem_of_error, problem_of_status
from proxy.forwarding import exchange, order_call, search_call
from proxy.models import ProxyConfig
from proxy.searching import Asked
from suppliers.webhooks import channel as supplier_channel
from suppliers.webhooks.webhook_secrets import Target

PUBLIC = "https://93.184.216.34/never-reached"
SIGNING = signing.make_secret()


@dataclass(frozen=True)
class Said:
    """``misconfigured`` stops the destination until a person acts; else it is tried again, or the caller told."""

    misconfigured: bool
    words: str
    to_caller: str = ""


class Answered(Exception):
    """The call succeeded."""


def oms_read(url, *, seconds=5.0):
    tenant = Tenant(pk=7, slug="acme", external_url=url)
    return _oms(tenant, lambda: order_call(tenant, "store-1", "1001"), Login("hub", "canary-password"), seconds)


def oms_search(url, *, seconds=5.0):
    tenant = Tenant(pk=7, slug="acme", external_url=url)
    return _oms(tenant, lambda: search_call(tenant, "store-1", b"{}"), Login("hub", "canary-password"), seconds)


def oms_token(url, *, seconds=5.0):
    """``authUrl`` of ops, which may reach what HUB_OUTBOUND_ALLOWED_NETWORKS lists."""
    return _oms_token(url, ProxyConfig.SetBy.OPS, seconds)


def oms_token_of_tenant(url, *, seconds=5.0):
    """``authUrl`` of the tenant: public addresses only."""
    return _oms_token(url, ProxyConfig.SetBy.TENANT, seconds)


def _oms_token(url, set_by, seconds):
    tenant = Tenant(pk=7, slug="acme", external_url=PUBLIC)
    config = ProxyConfig(tenant=tenant, type="oauth2", public={"clientId": "hub", "authUrl": url}, set_by=set_by)
    credentials = opened(config, "canary-client-secret", tenant=tenant)
    return _oms(tenant, lambda: order_call(tenant, "store-1", "1001"), credentials, seconds)


def _oms(tenant, call, credentials, seconds):
    try:
        wanted = call()
        answer = exchange(wanted, credentials=credentials, deadline=Deadline.after(seconds))
        if answer.status != 200:
            raise problem_of_status(answer, searching=wanted.method == "POST")
        if wanted.method == "POST":
            page_of(tenant, answer, Asked(b"{}", SearchCriteria(), {}), skip=0, take=10)
        else:
            order_of(tenant, answer, customer_order_id="1001")
    except (OutgoingError, PartnerTokenError) as error:
        problem = problem_of_error(error)
        return Said(isinstance(problem, ExternalUnavailable), str(error), problem.detail)
    except Problem as problem:
        return Said(isinstance(problem, ExternalUnavailable), problem.detail, problem.detail)
    raise Answered


def connection_test(url, *, seconds=5.0):
    """What a person presses to see where it fails."""
    try:
        with Probe(url, private_allowed=True, deadline=Deadline.after(seconds)) as probe:
            probe.resolve()
            probe.connect()
            probe.handshake()
    except OutgoingError as error:
        return Said(True, str(error), error.plain)
    raise Answered


def webhook(url, *, seconds=5.0):
    return _webhook(Target(url, (SIGNING,), login=("hub", "canary-password")), seconds)


def webhook_token(url, *, seconds=5.0):
    credentials = ClientCredentials(url, "hub", "canary-client-secret")
    return _webhook(Target(PUBLIC, (SIGNING,), credentials=credentials), seconds)


def _webhook(target, seconds):
    delivery = Delivery(payload="{}", sequence=1, kind="order_created")
    before, supplier_channel.CALL_SECONDS = supplier_channel.CALL_SECONDS, seconds
    try:
        outcome = supplier_channel.post_event(delivery, target, destination=Destination(pk=3))
    finally:
        supplier_channel.CALL_SECONDS = before
    if outcome.verdict is Verdict.DELIVERED and outcome.detail.startswith("Accepted"):
        raise Answered
    return Said(outcome.verdict is Verdict.MISCONFIGURED, outcome.detail + outcome.response_cut)


def alert(url, *, seconds=5.0):
    rule = AlertRule(pk=9, kind="dead_events", webhook_url=url, threshold=1)
    incident = Incident(pk=1, rule=rule, said="x", page="/", subject="events", most=1, began_at=datetime.now(UTC))
    before = messages.CALL_SECONDS, messages.signing_secret
    messages.CALL_SECONDS, messages.signing_secret = seconds, lambda rule: SIGNING
    try:
        messages.send_message(AlertMessage(incident=incident, occasion="opened", way="webhook"))
    except messages.NotSent as failure:
        return Said(True, str(failure))
    finally:
        messages.CALL_SECONDS, messages.signing_secret = before
    raise Answered


def _site(url):
    return Site(url, "orderflow:5", {"Authorization": "Basic aHViOmNhbmFyeS1wYXNzd29yZA=="}, "/i", {}, "/p", {})


def orderflow_import(url, *, seconds=5.0):
    meaning, reply = _site(url).imports("order", b"<imports/>", items=1, deadline=Deadline.after(seconds))
    return _trouble(meaning, reply)


def orderflow_detail(url, *, seconds=5.0):
    return _trouble(*_site(url).detail("1001", lines=1, deadline=Deadline.after(seconds)))


def orderflow_cancel(url, *, seconds=5.0):
    return _trouble(*_site(url).cancel("1001", deadline=Deadline.after(seconds)))


def orderflow_despatches(url, *, seconds=5.0):
    return _trouble(*_site(url).despatches("a", "b", deadline=Deadline.after(seconds)))


def orderflow_stock(url, *, seconds=5.0):
    return _trouble(*_site(url).inventory(["A"], deadline=Deadline.after(seconds)))


def _trouble(meaning, reply):
    if isinstance(meaning, Trouble):
        return Said(meaning.kind.value == "misconfigured", meaning.text + reply.cut)
    if isinstance(meaning, ImportReport) or reply.status == 200:
        raise Answered
    return Said(False, f"{meaning} {reply.cut}")


PARTNER_CALLS = (
    oms_read, oms_search, oms_token, oms_token_of_tenant, webhook, webhook_token, alert, orderflow_import,
    orderflow_detail, orderflow_cancel, orderflow_despatches, orderflow_stock,
)  # fmt: skip
