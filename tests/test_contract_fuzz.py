"""The hub keeps to its own OpenAPI document, whatever is sent: no 5xx, no answer that is not written there.

Schemathesis calls the WSGI application in this process: as anybody's ids and as the ids of rows that exist, in events
mode and in proxy mode with a service that is not there. `make fuzz` runs the same with many more examples.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from config.wsgi import application
from orderflow.catalogue.products import put_products
from orderflow.models import OrderFlowChannel
from orders.access.bearer_tokens import forget_tokens
from orders.api.schema.document import openapi_document
from orders.models import Destination, OrderEvent, Tenant
from suppliers.models import Supplier, SupplierPart, Webhook
from tests.api_fixtures import SECRET, Api
from tests.bodies import body
from tests.fixtures_servers import EXAMPLES

pytestmark = [pytest.mark.django_db, pytest.mark.fuzz]


def hub(environ, start_response):
    """The application as Django's own test client calls it: the test's connection outlives the request."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        with contextlib.closing(application(environ, start_response)) as response:
            return [b"".join(response)]
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


UNIT, ORDER_ID = "store-1", "fault-always-1"
KNOWN = {
    "businessUnitId": UNIT, "customerOrderId": "1001", "country": "dk", "tenant": "acme", "channel": "main",
    "sku": "BEAN-1",
}  # fmt: skip
AS_DOCUMENTED = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
NO_FAULT = [not_a_server_error]
AS_JUDGED = [checks.negative_data_rejection, checks.positive_data_acceptance]
"""What the document allows is taken, what it forbids is refused."""
TIED = {
    "putCustomerOrder", "putProduct", "sendSupplierEvent", "receiveSupplierEvents", "getOrderData",
    "loadCustomerOrders",
}  # fmt: skip
"""Operations that want one value to fit another (id in body and path, Event-Type) or an id given out before, and the
one that judges each line of its body apart."""


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    """Any text is lines; what is no text (a broken case) is one line of JSON."""
    return value.encode(errors="replace") if isinstance(value, str) else json.dumps(value, default=str).encode()


def operations(where="^/(?!schemas/)"):
    """The operationIds of the addresses that begin so."""
    return [
        operation["operationId"]
        for path, item in openapi_document()["paths"].items()
        for operation in item.values()
        if re.match(where, path)
    ]


def fuzzing(examples, *, where="^/(?!schemas/)"):
    """One test for each operation; half of its cases keep to the document, half break it."""

    def decorate(law):
        bounded = settings(
            max_examples=examples, deadline=None, derandomize=EXAMPLES <= 50, suppress_health_check=list(HealthCheck)
        )
        law = bounded(given(data=st.data())(law))
        return pytest.mark.parametrize("operation_id", operations(where))(law)

    return decorate


@pytest.fixture(scope="module")
def documented():
    """The operations by their id."""
    schema = schemathesis.openapi.from_wsgi("/schemas/v1/openapi.json", hub)
    found = [one.ok() for one in schema.get_all_operations()]
    return {operation.definition.raw["operationId"]: operation for operation in found}


@pytest.fixture
def draw(documented, operation_id):
    """Draws a case of the operation."""
    operation = documented[operation_id]
    sound, broken = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

    def one(data):
        return data.draw(broken if data.draw(st.booleans()) else sound)

    return one


class World:
    """A tenant with one applied order, one dead event and a supplier; ``known`` puts their ids into a case."""

    def __init__(self, tenant, *, token, supplier_token, settings):
        self.tenant, self.token, self.supplier_token, self.settings = tenant, token, supplier_token, settings
        self.event = str(OrderEvent.objects.get(status="dead").pk)
        self.part = SupplierPart.objects.get().token

    def headers(self, case):
        """A token; and no Tenant-Id, which would turn nearly every case into the same 403."""
        (case.headers or {}).pop("Tenant-Id", None)
        if not case.path.startswith("/api/"):
            return {}
        supplier = case.path.startswith(("/api/Orders", "/api/events/"))
        return {"Authorization": f"Bearer {self.supplier_token if supplier else self.token}"}

    def read_through(self):
        """From now on the tenant's orders are its own system's, where nobody listens."""
        self.settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
        self.settings.HUB_OUTBOUND_ALLOW_HTTP = True
        Tenant.objects.filter(pk=self.tenant.pk).update(mode="proxy", external_url="http://127.0.0.1:9/api/v1")
        forget_tokens()

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
def world(make_tenant, make_client, make_token, apply_all, settings, monkeypatch):
    """A change of credentials is answered at once; tests/proxy/test_proxy_config.py has its second of waiting."""
    monkeypatch.setattr("proxy.views.wait_until_everywhere", lambda: None)
    settings.HUB_FAULT_INJECTION = True
    settings.HUB_RECEIVE_HOLD_SECONDS = 0
    tenant = make_tenant("acme", country="dk", event_retry_schedule=[0])
    supplier = make_client(tenant, "beans", kind="supplier")
    add_partners(tenant, supplier)
    token = make_token(make_client(tenant, "till"))
    for order_id in ("1001", ORDER_ID):
        Api(token).put(f"/api/v1/business-units/{UNIT}/customer-orders/{order_id}", body(order_id))
    apply_all()
    return World(tenant, token=token, supplier_token=make_token(supplier), settings=settings)


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


@fuzzing(EXAMPLES)
def test_what_the_document_allows_is_taken_and_what_it_forbids_is_refused(operation_id, draw, world, data):
    case = draw(data)
    judged = [] if operation_id in TIED else AS_JUDGED
    case.call_and_validate(headers=world.headers(case), checks=[*AS_DOCUMENTED, *NO_FAULT, *judged])


@fuzzing(EXAMPLES // 2, where="^/api/|^/oauth2/")
def test_what_names_existing_rows_is_answered_as_documented(operation_id, draw, world, data):
    case = draw(data)
    world.know(case)
    case.call_and_validate(headers=world.headers(case), checks=[*AS_DOCUMENTED, *NO_FAULT])


@fuzzing(EXAMPLES // 2, where="^/api/v1/(business-units|proxy-config)")
def test_in_proxy_mode_a_service_that_is_not_there_is_a_documented_answer(operation_id, draw, world, data):
    world.read_through()
    case = draw(data)
    world.know(case)
    case.call_and_validate(headers=world.headers(case), checks=AS_DOCUMENTED)
