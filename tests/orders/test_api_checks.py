"""docs/reference/api.md#checks: the order of checks, problems, correlation ids, Tenant-Id, HEAD and OPTIONS."""

import json
import re

import pytest

from orders.models import OrderEvent, OrderQueue, Tenant
from tests.bodies import body

pytestmark = pytest.mark.django_db

ORDER = "/api/v1/business-units/store-1/customer-orders/1001"
SEARCH = "/api/v1/business-units/store-1/customer-orders:search"
NOWHERE = "/api/v1/nowhere"


def problem(response, name, status):
    """The parsed problem, after its whole shape was checked."""
    assert response["Content-Type"] == "application/problem+json"
    found = json.loads(response.content)
    assert (found["type"], found["status"], response.status_code) == (f"urn:orderhub:problem:{name}", status, status)
    assert set(found) - {"errors"} == {"type", "title", "status", "detail", "correlationId"}
    assert all(isinstance(found[member], str) and found[member] for member in ("title", "detail", "correlationId"))
    assert found["correlationId"] == response["Correlation-Id"]
    for error in found.get("errors", []):
        assert set(error) == {"pointer", "detail"}
    return found


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
@pytest.mark.parametrize(
    "target", [ORDER, SEARCH, NOWHERE, "/api/", "/api/Orders", "/api/v1/proxy-config", "/api/events/v1/dk"]
)
def test_without_a_token_everything_under_api_is_401(anyone, method, target):
    response = anyone.call(method, target)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="orderhub"'
    if method != "HEAD":
        problem(response, "not-authenticated", 401)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic dTpw", "bearer unknown", "Bearer unknown", "Bearer a\x00b", "Bearer é"]
)
def test_a_header_that_holds_no_good_token_is_401(anyone, db, header):
    response = anyone.get(ORDER, headers={"Authorization": header})
    problem(response, "not-authenticated", 401)
    assert response["WWW-Authenticate"].startswith('Bearer realm="orderhub"')


def test_the_scheme_is_read_without_case(api):
    response = api.get(ORDER, headers={"Authorization": f"bEaReR {api.token}"})
    problem(response, "unknown-order", 404)


def test_the_mode_comes_before_the_path(make_tenant, sign_in):
    proxied = sign_in(make_tenant("prox", "proxy"))
    found = problem(proxied.get(NOWHERE), "proxy-mode", 405)
    assert found["detail"]
    assert proxied.get(NOWHERE)["Allow"] == ""


def test_the_path_comes_before_the_method(api):
    problem(api.call("DELETE", NOWHERE), "not-found", 404)


def test_the_method_comes_before_the_scope(acme, sign_in):
    lacking = sign_in(acme, scopes=[])
    response = lacking.call("DELETE", ORDER)
    problem(response, "method-not-allowed", 405)
    assert response["Allow"] == "GET, HEAD, PUT"


def test_the_scope_comes_before_the_body(acme, sign_in):
    reader = sign_in(acme, scopes=["customer-orders:read"])
    problem(reader.put(ORDER, b"x" * (1024 * 1024 + 1), content_type="text/plain"), "scope-missing", 403)


def test_the_business_unit_comes_before_the_body_and_after_the_scope(acme, sign_in):
    bound = sign_in(acme, business_units=["store-2"])
    problem(bound.put(ORDER, b"{", content_type="text/plain"), "business-unit-not-allowed", 403)
    lacking = sign_in(acme, "other", business_units=["store-2"], scopes=[])
    problem(lacking.put(ORDER, b"{"), "scope-missing", 403)


def test_the_size_comes_before_the_content_type(api):
    problem(api.put(ORDER, b"x" * (1024 * 1024 + 1), content_type="text/plain"), "too-large", 413)


def test_the_content_type_comes_before_the_body(api):
    problem(api.put(ORDER, b"{", content_type="text/plain"), "unsupported-media-type", 415)


def test_the_body_comes_before_the_object(api):
    problem(api.post("/api/v1/order-events/unknown:retry", b"{"), "invalid-body", 400)
    problem(api.post("/api/v1/order-events/unknown:retry", {"reason": "x"}), "unknown-event", 404)


def test_a_body_of_exactly_one_mebibyte_is_read(api):
    order = body()
    padded = order[:-1] + b" " * (1024 * 1024 - len(order)) + b"}"
    assert len(padded) == 1024 * 1024
    assert api.put(ORDER, padded).status_code == 202
    problem(api.put(ORDER, padded + b" "), "too-large", 413)
    problem(api.post(SEARCH, b" " * (1024 * 1024 + 1)), "too-large", 413)
    assert OrderEvent.objects.count() == 1


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
def test_json_is_json_however_it_is_written(api, content_type):
    assert api.put(ORDER, body(), content_type=content_type).status_code == 202


@pytest.mark.parametrize(
    "content_type",
    ["", "text/json", "application/json; charset=latin-1", "application/x-www-form-urlencoded", "multipart/form-data",
     "application/problem+json", "application/json, text/plain", "\x00"],
)  # fmt: skip
def test_any_other_content_type_is_415(api, content_type):
    problem(api.put(ORDER, body(), content_type=content_type), "unsupported-media-type", 415)
    assert OrderQueue.objects.count() == 0


def test_a_content_type_longer_than_drf_reads_is_415_too(api):
    problem(api.put(ORDER, body(), content_type="text/" + "x" * 300), "unsupported-media-type", 415)


@pytest.mark.parametrize("accepted", ["text/html", "application/xml;q=1, */*;q=0", "nonsense"])
def test_answers_are_json_whatever_is_accepted(api, accepted):
    put = api.put(ORDER, body(), headers={"Accept": accepted})
    assert (put.status_code, put["Content-Type"]) == (202, "application/json")
    problem(api.get(NOWHERE + "?format=xml", headers={"Accept": accepted}), "not-found", 404)


def test_only_a_405_has_allow(api):
    assert "Allow" not in api.put(ORDER, body())
    assert "Allow" not in api.get(NOWHERE)


def test_nothing_refused_writes_a_row(api, acme):
    for response in (
        api.put(ORDER, b""),
        api.put(ORDER, b"{"),
        api.put(ORDER, body("1002")),
        api.put(ORDER + "?x=1", body()),
        api.put(ORDER, body(), headers={"Tenant-Id": "bolt"}),
    ):
        assert 400 <= response.status_code < 500
    assert OrderEvent.objects.count() == OrderQueue.objects.count() == 0


# --- correlation ids, Tenant-Id ------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["a", "A.b_c:d-9", "x" * 128])
def test_a_well_formed_correlation_id_is_taken_returned_and_kept(api, given):
    response = api.put(ORDER, body(), headers={"Correlation-Id": given})
    assert (response.status_code, response["Correlation-Id"]) == (202, given)
    assert OrderEvent.objects.get().correlation_id == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a/b", "é", "a\nb", "{}", "a,b"])
def test_any_other_correlation_id_gives_way_to_a_new_one(api, given):
    made = {api.put(ORDER, body(), headers={"Correlation-Id": given})["Correlation-Id"] for _ in range(2)}
    assert given not in made
    assert len(made) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", text) for text in made)


@pytest.mark.parametrize("target", ["/", "/livez", "/nowhere", "/api/x", "/oauth2/token", "/schemas/v1/openapi.json"])
def test_every_answer_carries_a_correlation_id(anyone, db, target):
    assert anyone.get(target, headers={"Correlation-Id": "c-1"})["Correlation-Id"] == "c-1"


def test_a_tenant_header_must_agree_with_the_token(api):
    problem(api.get(ORDER, headers={"Tenant-Id": "acme"}), "unknown-order", 404)
    for named in ("bolt", "", "ACME"):
        problem(api.get(ORDER, headers={"Tenant-Id": named}), "tenant-mismatch", 403)


# --- HEAD, OPTIONS --------------------------------------------------------------------------------------------------


def test_head_is_get_without_the_body(api, apply_all):
    api.put(ORDER, body())
    apply_all()
    got, head = api.get(ORDER), api.call("HEAD", ORDER)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Orderhub-Sequence", "Content-Type"):
        assert head[name] == got[name]


def test_head_of_what_get_does_not_answer_is_405(api):
    response = api.call("HEAD", SEARCH)
    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("target", "allow"),
    [
        (ORDER, "GET, HEAD, PUT"),
        (SEARCH, "POST"),
        ("/api/v1/order-events", "GET, HEAD"),
        ("/api/v1/order-events/x", "GET, HEAD"),
        ("/api/v1/order-events/x:retry", "POST"),
        ("/api/v1/order-events/x:preview", "POST"),
        ("/api/v1/order-events/x:discard", "POST"),
        ("/api/v1/proxy-config", "GET, HEAD, PUT"),
        ("/api/v1/proxy-config/drift", "GET, HEAD"),
        ("/api/Orders", "GET, HEAD"),
    ],
)
def test_every_other_method_is_405_and_names_those_that_answer(api, target, allow):
    for method in ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
        if method not in allow.split(", "):
            response = api.call(method, target)
            problem(response, "method-not-allowed", 405)
            assert response["Allow"] == allow


# --- addresses outside /api -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/nowhere", "/apix", "/schemas/v2/openapi.json", "/oauth2/", "/livez/"])
def test_an_address_that_does_not_exist_is_a_problem_too(anyone, db, target):
    problem(anyone.get(target), "not-found", 404)


def test_a_host_that_is_not_the_hubs_is_400(anyone, db, settings):
    settings.ALLOWED_HOSTS = ["hub.example.com"]
    problem(anyone.get("/api/v1/order-events", HTTP_HOST="evil.test"), "invalid-parameter", 400)
    assert anyone.get("/livez", HTTP_HOST="evil.test").status_code == 200


def test_of_the_oauth_toolkit_only_the_token_endpoint_is_mounted(anyone, db):
    for name in (
        "authorize",
        "revoke_token",
        "introspect",
        "applications",
        "userinfo",
        ".well-known/openid-configuration",
    ):
        assert anyone.get(f"/oauth2/{name}").status_code == 404


# --- whose data -----------------------------------------------------------------------------------------------------


def test_another_tenants_data_is_as_unknown_as_none(api, make_tenant, sign_in, apply_all):
    bolt = sign_in(make_tenant("bolt"), "bolt-till")
    event = json.loads(bolt.put(ORDER, body()).content)["eventId"]
    apply_all()
    for known, unknown in (
        (ORDER, ORDER.replace("1001", "1002")),
        (f"/api/v1/order-events/{event}", f"/api/v1/order-events/{event[:-4]}0000"),
    ):
        answers = [api.get(target, headers={"Correlation-Id": "same"}) for target in (known, unknown)]
        assert answers[0].status_code == answers[1].status_code == 404
        assert answers[0].content == answers[1].content
        assert dict(answers[0].items()) == dict(answers[1].items())
    for verb in ("preview", "retry", "discard"):
        problem(api.post(f"/api/v1/order-events/{event}:{verb}"), "unknown-event", 404)
    assert json.loads(api.get("/api/v1/order-events").content)["orderEvents"] == []
    assert json.loads(api.post(SEARCH, {}).content)["customerOrders"] == []


def test_a_token_of_other_business_units_does_not_know_the_event(acme, api, sign_in):
    event = json.loads(api.put(ORDER, body()).content)["eventId"]
    bound = sign_in(acme, "bound", business_units=["store-2"])
    problem(bound.get(f"/api/v1/order-events/{event}"), "unknown-event", 404)
    assert json.loads(bound.get("/api/v1/order-events").content)["orderEvents"] == []
    problem(bound.post(SEARCH, {}), "business-unit-not-allowed", 403)


def test_a_supplier_token_reads_no_order(acme, sign_in):
    supplier = sign_in(acme, "beans", kind="supplier")
    for method, target in (("GET", ORDER), ("PUT", ORDER), ("POST", SEARCH), ("GET", "/api/v1/order-events")):
        problem(supplier.call(method, target), "scope-missing", 403)


def test_a_stopped_tenants_live_tokens_are_401(api, acme):
    Tenant.objects.filter(pk=acme.pk).update(active=False)
    problem(api.get(ORDER), "not-authenticated", 401)
