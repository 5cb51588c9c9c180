"""The self-test of webhooks (orders.onboarding.self_test): a signed test event of no order to each."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

from orders.integrations.self_test import Trial, TrialResult, failed, not_applicable, ok
from orders.models import Tenant
from suppliers.models import Supplier
from suppliers.webhooks.test_events import send_test_event

AREA = "suppliers"


def trials(tenant: Tenant, *, who: str) -> Generator[Trial, None, None]:
    suppliers = Supplier.objects.filter(tenant=tenant).select_related(
        "webhook__destination", "webhook__supplier__tenant"
    )
    for supplier in suppliers:
        yield Trial(AREA, f"signed test event to {supplier.name}", partial(_told, supplier, who))
    if not suppliers:
        yield Trial(AREA, "signed test event", lambda: not_applicable("The tenant has no supplier."))


def _told(supplier: Supplier, who: str) -> TrialResult:
    webhook = getattr(supplier, "webhook", None)
    if not supplier.active:
        return not_applicable(f"{supplier.name} is switched off.")
    if webhook is None:
        return not_applicable(f"{supplier.name} has no webhook; it asks for its events itself.")
    [step] = send_test_event(webhook, who=who)
    if step.ok:
        return ok(f"{webhook.url} took it. {step.detail}".strip())
    return failed(
        f"{webhook.url} did not take it. {step.detail}",
        f"Check the address, the signing secret and the login with {supplier.name}, then send the test event again.",
    )
