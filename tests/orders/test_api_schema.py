"""The OpenAPI document: valid, complete, made once, and a page that asks no other host."""

import json
import re

import jsonschema
import pytest
from django.urls import get_resolver
from openapi_spec_validator import validate

from orderflow.catalogue.product_documents import LIMITS, PRODUCT_PROPERTIES, product_faults
from orders.api.schema import document as documents
from orders.api.schema.document import written
from orders.api.schema.operations import Components
from orders.api.views import ApiView, UnknownPath
from orders.documents import SendingRules, parse_listed_orders, parse_search, read_load_line, read_put
from orders.documents.value_types import Model, member
from orders.http.modes import check_mode
from orders.models.tenants import SUPPLIER_SCOPES, TENANT_SCOPES
from proxy.bodies import config_of
from suppliers.reports.messages import parse_report
from tests.api_fixtures import Api

ADDRESS = "/schemas/v1/openapi.json"
PLAIN = {"/oauth2/token", ADDRESS, "/livez", "/readyz", "/healthz", "/metrics"}


@pytest.fixture(scope="module")
def document():
    response = Api().get(ADDRESS)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    return json.loads(response.content)


def operations(document):
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def views():
    """Every view class under /api with its address as the document writes it."""

    def walk(resolver, prefix=""):
        for pattern in resolver.url_patterns:
            address = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern, address)
            elif issubclass(getattr(pattern.callback, "cls", object), ApiView):
                yield written(address), pattern.callback.cls

    return [(address, view) for address, view in walk(get_resolver()) if view is not UnknownPath]


def test_the_document_is_openapi_3_1_and_valid(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_it_is_made_once_per_process(monkeypatch, document):
    monkeypatch.setattr(documents, "openapi_document", lambda: pytest.fail("made again"))
    assert Api().get(ADDRESS).status_code == 200


def test_every_address_with_every_method_is_in_it_and_nothing_else(document):
    wanted = {(method, address) for address, view in views() for method in view.scopes}
    found = {(method, path) for method, path in operations(document) if path not in PLAIN}
    assert found == wanted
    assert {path for _, path in operations(document)} >= PLAIN


def test_every_operation_names_the_scope_that_its_view_wants(document):
    for address, view in views():
        for method, scope in view.scopes.items():
            assert operations(document)[method, address]["security"] == [{"clients": [scope]}]


def test_every_operation_has_its_own_id_a_summary_and_the_answers_of_every_api_call(document):
    found = operations(document)
    ids = [operation["operationId"] for operation in found.values()]
    assert len(ids) == len(set(ids))
    for (_, path), operation in found.items():
        assert operation["summary"]
        if path not in PLAIN:
            assert {"400", "401", "403", "500", "503"} <= set(operation["responses"])


def test_every_reference_leads_somewhere(document):
    for pointer in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        place = document
        for part in pointer.split("/"):
            place = place[part]


def test_every_path_parameter_is_declared(document):
    for (_, path), operation in operations(document).items():
        declared = [one["name"] for one in operation.get("parameters", []) if one.get("in") == "path"]
        assert sorted(declared) == sorted(re.findall(r"{(\w+)}", path))


def test_what_does_not_answer_in_proxy_mode_documents_its_405(document, make_tenant):
    from orders.values.problems import ProxyMode

    tenant = make_tenant("prox", "proxy")
    for (method, path), operation in operations(document).items():
        try:
            check_mode(tenant, re.sub(r"{\w+}", "x", path), method)
        except ProxyMode:
            assert "405" in operation["responses"], (method, path)
            assert "Allow" in operation["responses"]["405"]["headers"]
        else:
            assert "405" not in operation["responses"], (method, path)


def test_the_scopes_are_the_hubs(document):
    flow = document["components"]["securitySchemes"]["clients"]["flows"]["clientCredentials"]
    assert flow["scopes"] == TENANT_SCOPES | SUPPLIER_SCOPES
    assert flow["tokenUrl"].endswith("/oauth2/token")


def test_the_order_is_the_one_of_the_document_model(document):
    order = document["components"]["schemas"]["CustomerOrder"]
    assert order["required"] == ["customerOrderId", "customerId", "status", "items"]
    assert "additionalProperties" not in order


def test_one_name_has_one_model():
    parts = Components()
    parts.schema(type("Fault", (Model,), {}))
    with pytest.raises(ValueError, match="two models are called Fault"):
        parts.schema(type("Fault", (Model,), {}))


# --- descriptions and examples --------------------------------------------------------------------------------------


def found_in(value, place="#"):
    """Every object of the document that is not inside an example, with its place."""
    if isinstance(value, list):
        for number, part in enumerate(value):
            yield from found_in(part, f"{place}/{number}")
    elif isinstance(value, dict):
        yield place, value
        for name, part in value.items():
            if name not in ("example", "examples") or place.endswith("/properties"):
                yield from found_in(part, f"{place}/{name}")


def contents(operation):
    """Every body of a request or an answer, by its kind."""
    for body in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from body.get("content", {}).items()


def examples(media):
    return [one["value"] for one in media.get("examples", {}).values()] or [media["example"]]


def test_every_operation_has_a_description_and_an_example_of_every_body(document):
    assert [name for name, one in operations(document).items() if not one["description"]] == []
    bodies = [(name, media) for name, one in operations(document).items() for _, media in contents(one)]
    assert [name for name, media in bodies if "example" not in media and not media.get("examples")] == []


def test_every_member_has_a_description_and_an_example(document):
    members = {
        f"{place}/{name}": rule
        for place, schema in found_in(document)
        for name, rule in schema.get("properties", {}).items()
        if not place.endswith("/properties")
    }
    assert len(members) > 250
    assert [place for place, rule in members.items() if not (rule.get("description") and rule.get("examples"))] == []


def test_a_member_without_an_example_is_named():
    class Forgetful(Model):
        size: str = member("How large it is.")

    parts = Components()
    parts.schema(Forgetful)
    with pytest.raises(ValueError, match=r"give an example of the member .*How large it is"):
        parts.schemas()


def test_every_parameter_and_header_has_a_description_and_an_example(document):
    shared = document["components"]
    own = [one for operation in operations(document).values() for one in operation.get("parameters", ())]
    every = [*shared["headers"].values(), *shared["parameters"].values(), *(one for one in own if "$ref" not in one)]
    assert len(every) > 40
    assert [one for one in every if not one["description"] or "example" not in one] == []


def test_every_example_fits_its_schema(document):
    """Bodies, parameters, headers and members."""
    whole = {place: value for place, value in found_in(document) if "schema" in value or "examples" in value}
    checked = 0
    for place, value in whole.items():
        schema = value.get("schema", value)
        shown = value["examples"] if "schema" not in value else examples(value)
        validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
        faults = [fault.message for one in shown for fault in validator.iter_errors(one)]
        assert faults == [], place
        checked += len(shown)
    assert checked > 400


TAKEN = {
    "putCustomerOrder": lambda body: read_put(json.dumps(body).encode(), SendingRules({})),
    "searchCustomerOrders": lambda body: parse_search(json.dumps(body).encode()),
    "loadCustomerOrders": lambda body: read_load_line(body.encode(), SendingRules({})),
    "listKnownOrders": lambda body: parse_listed_orders(json.dumps(body).encode()),
    "putProxyConfig": config_of,
    "sendSupplierEvent": lambda body: parse_report(body, header_type=body["eventType"]),
}
"""How the hub checks a body; each raises for one that it does not take."""


@pytest.mark.parametrize("name", TAKEN)
def test_the_hub_takes_the_example_of_a_body(document, name):
    operation = next(one for one in operations(document).values() if one["operationId"] == name)
    for media in operation["requestBody"]["content"].values():
        TAKEN[name](media["example"])


def test_the_hub_takes_the_example_of_a_product_and_documents_the_catalogue(document):
    product = document["components"]["schemas"]["Product"]
    example = {name: rule["examples"][0] for name, rule in product["properties"].items()}
    assert list(product_faults("BEAN-1", example)) == []
    assert set(example) == set(PRODUCT_PROPERTIES) - {"channel", "organisation"}
    texts = {name: (rule.get("anyOf") or [rule])[0] for name, rule in product["properties"].items()}
    assert {name: texts[name]["maxLength"] for name in LIMITS} == LIMITS


@pytest.mark.parametrize(
    ("route", "address"),
    [
        ("api/v1/a/<segment:business_unit_id>/b", "/api/v1/a/{businessUnitId}/b"),
        ("api/v1/a/<hub_id:event_id>:retry", "/api/v1/a/{eventId}:retry"),
        ("api/v1/a", "/api/v1/a"),
    ],
)
def test_a_route_is_written_as_openapi_does(route, address):
    assert written(route) == address


# --- the page -------------------------------------------------------------------------------------------------------


def test_what_the_page_does_not_answer_is_a_problem():
    refused = Api().call("POST", "/docs")
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.status_code == json.loads(refused.content)["status"]


def test_the_page_and_its_script_are_two_answers_without_inline_script():
    page, script = Api().get("/docs"), Api().get("/docs?script=")
    assert page.status_code == script.status_code == 200
    assert script["Content-Type"].startswith("application/javascript")
    text = page.content.decode()
    assert re.findall(r"<script(?![^>]*src=)", text) == []
    assert re.findall(r'(?:src|href)="(?!/)', text) == []
    assert "script-src 'self';" in page["Content-Security-Policy"]


@pytest.mark.browser
def test_the_page_shows_the_operations_and_asks_no_other_host(page, live_server):
    asked, faults = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.goto(f"{live_server.url}/docs")
    page.get_by_text("Read one order", exact=True).wait_for()
    assert faults == []
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
