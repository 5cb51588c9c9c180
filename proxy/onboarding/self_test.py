"""The proxied read in the self-test (orders.onboarding.self_test): the connection test as one line."""

from __future__ import annotations

from collections.abc import Generator

from orders.integrations.self_test import Trial, TrialResult, failed, not_applicable, ok
from orders.models import Tenant
from orders.values.problems import ProxyNotConfigured
from proxy.connection_test import ConnectionTest
from proxy.credentials import read_credentials

AREA = "external service"
NEXT_STEPS = {
    "resolve": "Check the host name in the external URL.",
    "connect": "Ask the tenant's IT whether the service runs and lets the hub's address through its firewall.",
    "tls": "Ask the tenant's IT to mend the service's certificate.",
    "token": "Check client id, client secret and token address.",
    "read": "Check the external URL's path and the credentials with the tenant's IT.",
    "search": "Ask the tenant's IT for the search of its service; docs/guides/external-service.md describes it.",
    "contract": "Send the tenant's IT docs/guides/external-service.md: it says what an answer must hold.",
}


def trials(tenant: Tenant, *, who: str) -> Generator[Trial, None, None]:
    yield Trial(AREA, "proxied read", lambda: _read(tenant))


def _read(tenant: Tenant) -> TrialResult:
    if tenant.mode == Tenant.Mode.EVENTS:
        return not_applicable("In events mode orders are kept here; nothing is read through.")
    try:
        credentials = read_credentials(tenant)
    except ProxyNotConfigured as problem:
        return failed(problem.detail, "Enter the credentials in the onboarding page's step for the order service.")
    steps = list(ConnectionTest(tenant, credentials, for_ops=True).run())
    detail = "; ".join(f"{step.step} {step.ms} ms: {step.detail}" for step in steps)
    if steps[-1].ok:
        return ok(detail)
    return failed(detail, NEXT_STEPS.get(steps[-1].step, "Correct the settings of the order service and try again."))
