"""The hub keeps to its OpenAPI document along its links too: PUT to fate, list to event, delivery to redelivery.

Sequences of requests as schemathesis makes them from the document, with the tokens of callers who may do different
things. `make fuzz` runs the same with many more.
"""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from orders.models import ApiClient
from orders.models.tenants import TENANT_SCOPES
from tests.contract.world import UNIT, furnish
from tests.fixtures_servers import EXAMPLES
from tests.test_contract_fuzz import hub

pytestmark = [pytest.mark.django_db, pytest.mark.fuzz]

CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    not_a_server_error,
]
STEPS = 6
EVERYTHING = list(TENANT_SCOPES)
CALLERS = {
    "who may do everything": ("acme", EVERYTHING, None),
    "who reads": ("acme", ["customer-orders:read"], None),
    "who writes": ("acme", ["customer-orders:write"], None),
    "who repairs": ("acme", ["order-events:operate", "customer-orders:write"], None),
    "who is bound to another unit": ("acme", EVERYTHING, ["store-2"]),
    "who is another tenant's": ("bolt", EVERYTHING, None),
}
"""Whose client, its scopes, its business units. Suppliers' addresses are always asked by the tenant's supplier."""
FOLLOWED = {"who may do everything": {("putCustomerOrder", 202), ("getOrderEvent", 200)}}
"""What a run has to have come to: else the links lead nowhere and it proves little."""


class Caller:
    """Completes a case with what no generator can know: a token, and ids of the furnished tenant."""

    def __init__(self, furnished, *, token, supplier_token):
        self._furnished, self._token, self._supplier_token = furnished, token, supplier_token

    def headers(self, case):
        if not case.path.startswith("/api/"):
            return {}
        supplier = case.path.startswith(("/api/Orders", "/api/events/"))
        return {"Authorization": f"Bearer {self._supplier_token if supplier else self._token}"}

    def complete(self, case):
        (case.headers or {}).pop("Tenant-Id", None)
        tenant = self._furnished.tenant
        known = {"country": "dk", "tenant": tenant.slug, "channel": f"main-{tenant.slug}", "businessUnitId": UNIT}
        for name in case.path_parameters or {}:
            case.path_parameters[name] = known.get(name, case.path_parameters[name])
        if isinstance(case.body, dict):
            self._complete_body(case)

    def _complete_body(self, case):
        order = case.body.get("customerOrder")
        if isinstance(order, dict) and "customerOrderId" in (case.path_parameters or {}):
            order["customerOrderId"] = case.path_parameters["customerOrderId"]
        if "orderToken" in case.body:
            case.body["orderToken"] = self._furnished.part
        if "eventType" in case.body:
            case.headers["Event-Type"] = case.body["eventType"]


@pytest.fixture(scope="module")
def documented():
    return schemathesis.openapi.from_wsgi("/schemas/v1/openapi.json", hub)


@pytest.fixture
def caller(request, make_tenant, make_client, make_token, apply_all, settings):
    settings.HUB_FAULT_INJECTION = True
    settings.HUB_RECEIVE_HOLD_SECONDS = 0
    settings.HUB_EMBEDDED = True
    slug, scopes, units = CALLERS[request.param]
    made = {}
    for name, order in (("acme", "1001"), ("bolt", "2002")):
        tenant = make_tenant(name, country="dk", event_retry_schedule=[0], external_url="https://oms.example.com/v1")
        supplier, writer = make_client(tenant, f"{name}-supplier", kind="supplier"), make_client(tenant, f"{name}-oms")
        token = make_token(writer)
        made[name] = furnish(tenant, order=order, supplier=supplier, token=token, apply_all=apply_all)
    client = make_client(made[slug].tenant, "caller", scopes=scopes, business_units=units)
    supplier = ApiClient.objects.get(client_id=f"{slug}-supplier")
    return Caller(made[slug], token=make_token(client), supplier_token=make_token(supplier))


@pytest.mark.parametrize("caller", CALLERS, indirect=True, ids=str)
def test_along_its_links_the_hub_answers_as_documented(caller, documented, apply_all, request):
    who, seen = request.node.callspec.params["caller"], set()

    class Session(documented.as_state_machine()):
        def get_call_kwargs(self, case):
            return {"headers": caller.headers(case)}

        def before_call(self, case):
            caller.complete(case)

        def after_call(self, response, case):
            seen.add((case.operation.definition.raw["operationId"], response.status_code))
            if response.status_code == 202:
                apply_all()

        def validate_response(self, response, case, **_):
            case.validate_response(response, checks=CHECKS)

    bounded = settings(
        max_examples=EXAMPLES // (5 if who in FOLLOWED else 12),
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=EXAMPLES <= 50,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    Session.run(settings=bounded)
    assert seen
    if EXAMPLES > 50:  # a handful of examples takes a link or not, as it comes
        assert FOLLOWED.get(who, set()) <= seen
