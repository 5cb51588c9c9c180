"""The hub keeps to its own OpenAPI document, whatever is sent: no 5xx, no answer that is not written there.

Schemathesis calls the WSGI application in this process: as anybody's ids and as the ids of rows that exist, in events
mode and in proxy mode with a service that is not there. `make fuzz` runs the same with many more examples.
"""

from __future__ import annotations

import ipaddress

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from config.wsgi import application
from orderflow.catalogue import put_products
from orderflow.models import OrderFlowChannel
from orders.api.auth import forget_tokens
from orders.models import Destination, OrderEvent, Tenant
from suppliers.models import Supplier, SupplierPart, Webhook
from tests.api_fixtures import SECRET, Api
from tests.bodies import body
from tests.fixtures_servers import EXAMPLES

pytestmark = [pytest.mark.django_db, pytest.mark.fuzz]

schema = schemathesis.openapi.from_wsgi("/schemas/v1/openapi.json", application)

UNIT, ORDER_ID = "store-1", "fault-always-1"
KNOWN = {
    "businessUnitId": UNIT, "customerOrderId": "1001", "country": "dk", "tenant": "acme", "channel": "main",
    "sku": "BEAN-1",
}  # fmt: skip
AS_DOCUMENTED = CHECKS.get_by_names(
    [
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
NO_FAULT = CHECKS.get_by_names(["not_a_server_error"])
AS_JUDGED = CHECKS.get_by_names(["negative_data_rejection", "positive_data_acceptance", "allow_header_conformance"])
"""What the document allows is taken, what it forbids is refused."""
TIED = {"putCustomerOrder", "putProduct", "sendSupplierEvent", "receiveSupplierEvents", "getOrderData"}
"""Operations that want one value to fit another (id in body and path, Event-Type) or an id given out before."""


def fuzzing(examples):
    return settings(
        max_examples=examples, deadline=None, derandomize=EXAMPLES <= 50, suppress_health_check=list(HealthCheck)
    )


class World:
    """A tenant with one applied order, one dead event and a supplier; ``known`` puts their ids into a case."""

    def __init__(self, tenant, *, token, supplier_token):
        self.tenant, self.token, self.supplier_token = tenant, token, supplier_token
        self.event = str(OrderEvent.objects.get(status="dead").pk)
        self.part = SupplierPart.objects.get().token

    def headers(self, case):
        """A token; and no Tenant-Id, which would turn nearly every case into the same 403."""
        (case.headers or {}).pop("Tenant-Id", None)
        if not case.path.startswith("/api/"):
            return {}
        supplier = case.path.startswith(("/api/Orders", "/api/events/"))
        return {"Authorization": f"Bearer {self.supplier_token if supplier else self.token}"}

    def know(self, case):
        known = {"eventId": self.event, **KNOWN}
        for name in case.path_parameters or {}:
            case.path_parameters[name] = known.get(name, case.path_parameters[name])
        if "ExternalId" in (case.query or {}):
            case.query["ExternalId"] = self.part
        if isinstance(case.body, dict):
            self._know_body(case)

    def _know_body(self, case):
        if "orderToken" in case.body:
            case.body["orderToken"] = self.part
        if isinstance(case.body.get("customerOrder"), dict) and "customerOrderId" in case.body["customerOrder"]:
            case.body["customerOrder"]["customerOrderId"] = "1001"
        if case.path == "/oauth2/token":
            case.body |= {"client_id": "till", "client_secret": SECRET}
            case.body.pop("scope", None)


@pytest.fixture
def world(make_tenant, make_client, make_token, apply_all, settings):
    settings.HUB_FAULT_INJECTION = True
    settings.HUB_RECEIVE_HOLD_SECONDS = 0
    tenant = make_tenant("acme", country="dk", event_retry_schedule=[0])
    supplier = make_client(tenant, "beans", kind="supplier")
    add_partners(tenant, supplier)
    token = make_token(make_client(tenant, "till"))
    for order_id in ("1001", ORDER_ID):
        Api(token).put(f"/api/v1/business-units/{UNIT}/customer-orders/{order_id}", body(order_id))
    apply_all()
    return World(tenant, token=token, supplier_token=make_token(supplier))


def add_partners(tenant, client):
    """A supplier and a warehouse for every line, both paused: nothing is sent."""
    held = {"tenant": tenant, "state": "paused", "state_reason": "by hand"}
    hook = Destination.objects.create(channel="supplier", name="beans", **held)
    beans = Supplier.objects.create(
        tenant=tenant, slug="beans", name="Beans", position=0, item_patterns=["*"], api_client=client
    )
    Webhook.objects.create(supplier=beans, destination=hook, url="http://127.0.0.1:9/hook", events=["order_created"])
    main = Destination.objects.create(channel="orderflow", name="main", **held)
    channel = OrderFlowChannel.objects.create(
        destination=main, base_url="http://127.0.0.1:9", channel="X", username="u", item_patterns=["*"]
    )
    put_products(channel, {"BEAN-1": {"description": "Green beans"}})


@schema.parametrize()
@fuzzing(EXAMPLES)
def test_what_the_document_allows_is_taken_and_what_it_forbids_is_refused(case, world):
    judged = [] if case.operation.definition.raw["operationId"] in TIED else AS_JUDGED
    case.call_and_validate(headers=world.headers(case), checks=[*AS_DOCUMENTED, *NO_FAULT, *judged])


@schema.include(path_regex="^/api/|^/oauth2/").parametrize()
@fuzzing(EXAMPLES // 2)
def test_what_names_existing_rows_is_answered_as_documented(case, world):
    world.know(case)
    case.call_and_validate(headers=world.headers(case), checks=[*AS_DOCUMENTED, *NO_FAULT])


@schema.include(path_regex="^/api/v1/(business-units|proxy-config)").parametrize()
@fuzzing(EXAMPLES // 2)
def test_in_proxy_mode_a_service_that_is_not_there_is_a_documented_answer(case, world, settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    Tenant.objects.filter(pk=world.tenant.pk).update(mode="proxy", external_url="http://127.0.0.1:9/api/v1")
    forget_tokens()
    world.know(case)
    case.call_and_validate(headers=world.headers(case), checks=AS_DOCUMENTED)
