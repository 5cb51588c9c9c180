"""The simulated OMS keeps docs/guides/external-service.md, and breaks it when asked to."""

import time

import pytest
import requests
from openapi_spec_validator import validate

from proxy.simulator.server import MockOms

ORDER = (
    '{"customerOrderId": "1001", "customerId": "c-77", "status": "CREATED", "minimumDownPaymentAmount": 1e2,'
    ' "items": [{"itemId": "BEAN-1", "quantityOrdered": 100, "unitPrice": 19.90}]}'
)


@pytest.fixture
def oms():
    with MockOms(basic=("u", "p"), client=("id", "se+cr%t")) as oms:
        yield oms


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        session.auth = ("u", "p")
        session.headers["Tenant-Id"] = "acme"
        yield session


def orders(oms, unit="store-1"):
    return f"{oms.api_url}/business-units/{unit}/customer-orders"


def search(oms, session, criteria, **options):
    return session.post(orders(oms) + ":search", json=criteria, **options)


def test_an_order_is_created_updated_and_read_digit_for_digit(oms, session):
    assert session.post(orders(oms), data=ORDER).status_code == 201
    assert session.post(orders(oms), data=ORDER.replace("CREATED", "FULFILLED")).status_code == 200
    answer = session.get(orders(oms) + "/1001")
    assert answer.text == '{"customerOrder":' + ORDER.replace("CREATED", "FULFILLED") + "}"
    assert session.get(orders(oms, "store-2") + "/1001").status_code == 404


def test_ids_survive_percent_encoding(oms, session):
    odd = "a/b%c: d…"
    oms.add_order("sto/re", ORDER.replace("1001", odd))
    answer = session.get(f"{oms.api_url}/business-units/sto%2Fre/customer-orders/a%2Fb%25c%3A%20d%E2%80%A6")
    assert answer.json()["customerOrder"]["customerOrderId"] == odd


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (('"CREATED"', "7"), "/status"),
        (('"status": "CREATED",', ""), "/status"),
        (("19.90", '"19.90"'), "/items/0/unitPrice"),
        (("1e2", "true"), "/minimumDownPaymentAmount"),
        (('"1001"', '""'), "/customerOrderId"),
    ],
)
def test_a_body_against_the_published_schema_is_refused_with_its_pointer(oms, session, change, pointer):
    answer = session.post(orders(oms), data=ORDER.replace(*change))
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert oms.order("store-1", "1001") is None


@pytest.mark.parametrize("body", ["", "[]", "null", "{", '"x"'])
def test_a_body_that_is_no_order_is_refused(oms, session, body):
    assert session.post(orders(oms), data=body).status_code == 400
    assert search(oms, session, None, data=body or "x").status_code == 400


def test_authorization_and_tenant_are_needed(oms, session):
    oms.add_order("store-1", ORDER)
    url = orders(oms) + "/1001"
    assert requests.get(url, headers={"Tenant-Id": "acme"}, timeout=5).status_code == 401
    assert session.get(url, auth=("u", "wrong")).status_code == 401
    assert session.get(url, headers={"Tenant-Id": None}).status_code == 400
    oms.tenants = frozenset({"other"})
    assert session.get(url).status_code == 403


def test_search_joins_criteria_by_and_newest_first(oms, session):
    for number in range(1, 6):
        order = ORDER.replace('"1001"', f'"{number}", "placedDateTime": "2026-01-0{number}T00:00:00Z"')
        oms.add_order("store-1", order.replace("c-77", f"c-{number % 2}"))
    oms.add_order("store-2", ORDER)
    oms.add_order("store-1", ORDER.replace('"1001"', '"junk", "placedDateTime": "tomorrow"'))

    def found(**criteria):
        return [each["customerOrderId"] for each in search(oms, session, criteria).json()["customerOrders"]]

    assert found() == ["junk", "5", "4", "3", "2", "1"]
    assert found(customerId="c-1") == ["5", "3", "1"]
    assert found(customerId="c-1", customerOrderId="3", status="CREATED", itemId="BEAN-1") == ["3"]
    assert found(itemId="NONE") == []
    assert found(placedFrom="2026-01-02T00:00:00Z", placedTo="2026-01-04T00:00:00+00:00") == ["3", "2"]
    assert found(updatedFrom="2100-01-01T00:00:00Z") == []
    assert search(oms, session, {"customerId": "c-1"}).json()["customerOrders"][0] == {
        "customerOrderId": "5",
        "customerId": "c-1",
        "status": "CREATED",
    }
    assert search(oms, session, {"nonsense": "1"}).status_code == 400
    assert search(oms, session, {"customerId": 7}).status_code == 400
    assert search(oms, session, {"placedFrom": "2026-01-01"}).status_code == 400


def token(oms, *, auth=None, **form):
    return requests.post(oms.token_url, data={"grant_type": "client_credentials", **form}, auth=auth, timeout=5)


def test_a_token_is_given_by_basic_and_by_body_and_opens_the_api(oms, session):
    oms.add_order("store-1", ORDER)
    for answer in (
        token(oms, auth=("id", "se+cr%t")),
        token(oms, auth=("id", "se%2Bcr%25t")),
        token(oms, client_id="id", client_secret="se+cr%t"),
    ):
        assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 3600)
        session.auth = None
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        assert session.get(orders(oms) + "/1001").status_code == 200
    oms.tokens.revoke()
    assert session.get(orders(oms) + "/1001").status_code == 401
    assert oms.tokens.given == 3


@pytest.mark.parametrize(("accepts", "basic", "body"), [("basic", 200, 401), ("form", 401, 200)])
def test_the_token_endpoint_may_take_one_form_only(oms, accepts, basic, body):
    oms.tokens.accepts = accepts
    assert token(oms, auth=("id", "se+cr%t")).status_code == basic
    assert token(oms, client_id="id", client_secret="se+cr%t").status_code == body


def test_a_bad_token_request_is_an_rfc_6749_error(oms):
    assert token(oms, client_id="id", client_secret="no").json() == {"error": "invalid_client"}
    assert token(oms, grant_type="password").json() == {"error": "unsupported_grant_type"}
    oms.tokens.expires_in = None
    assert "expires_in" not in token(oms, auth=("id", "se+cr%t")).json()


def test_the_openapi_document_is_valid(oms):
    document = requests.get(f"{oms.url}/schemas/v1/openapi.json", timeout=5).json()
    validate(document)
    assert document["openapi"] == "3.1.0"


def read_with(oms, session, fault):
    oms.add_order("store-1", ORDER)
    return session.get(orders(oms) + "/1001", headers={"Mock-Fault": fault})


def test_a_header_asks_for_a_fault(oms, session):
    assert read_with(oms, session, "status=503;retry-after=3").headers["Retry-After"] == "3"
    assert "status" not in read_with(oms, session, "missing=status").json()["customerOrder"]
    assert read_with(oms, session, "wrong-type=customerId").json()["customerOrder"]["customerId"] == 42
    assert isinstance(read_with(oms, session, "wrong-type=items").json()["customerOrder"]["items"], str)
    assert "unknownMember" in read_with(oms, session, "unknown-member").json()["customerOrder"]
    assert read_with(oms, session, "wrong-id").json()["customerOrder"]["customerOrderId"] == "another-order"
    assert '"unitPrice":19.90' in read_with(oms, session, "missing=status").text
    assert read_with(oms, session, "nonsense").status_code == 400
    began = time.monotonic()
    assert read_with(oms, session, "delay=0.2").status_code == 200
    assert time.monotonic() - began >= 0.2


def test_an_expired_token_is_refused_and_a_new_one_works(oms, session):
    oms.add_order("store-1", ORDER)
    session.auth = None
    session.headers["Authorization"] = f"Bearer {token(oms, auth=('id', 'se+cr%t')).json()['access_token']}"
    oms.fail(expired_token=True)
    url = orders(oms) + "/1001"
    assert [session.get(url).status_code for _ in range(2)] == [401, 401]
    session.headers["Authorization"] = f"Bearer {token(oms, auth=('id', 'se+cr%t')).json()['access_token']}"
    assert session.get(url).status_code == 200


@pytest.mark.parametrize(
    ("order_id", "status"),
    [
        ("fault-status-503-a", 503),
        ("fault-status-418", 418),
        ("fault-malformed-1", 200),
        ("fault-expired-token-1", 401),
    ],
)
def test_an_order_id_asks_for_a_fault_in_read_and_search(oms, session, order_id, status):
    assert session.get(f"{orders(oms)}/{order_id}").status_code == status
    assert search(oms, session, {"customerOrderId": order_id}).status_code == status


def test_an_order_id_that_asks_for_a_broken_member_is_answered_without_being_stored(oms, session):
    order = session.get(f"{orders(oms)}/fault-missing-status-7").json()["customerOrder"]
    assert order["customerOrderId"] == "fault-missing-status-7"
    assert "status" not in order
    [found] = search(oms, session, {"customerOrderId": "fault-wrong-type-customerId-7"}).json()["customerOrders"]
    assert found == {"customerOrderId": "fault-wrong-type-customerId-7", "customerId": 42, "status": "IN_PROGRESS"}
    with pytest.raises(requests.ConnectionError):
        session.get(f"{orders(oms)}/fault-drop-1")


def test_an_order_with_a_fault_id_can_be_created(oms, session):
    assert session.post(orders(oms), data=ORDER.replace("1001", "fault-malformed-1")).status_code == 201


def test_the_page_lists_the_orders_escaped(oms, session):
    oms.add_order("store-1", ORDER.replace("1001", "<b>1"))
    page = requests.get(oms.url, timeout=5).text
    assert "&lt;b&gt;1" in page
    assert "<b>1" not in page
    assert oms.received == []


def test_seeded_orders_are_the_same_every_time(session):
    with MockOms(basic=("u", "p"), seed=3) as oms:
        found = search(oms, session, {}).json()["customerOrders"]
        assert [each["customerOrderId"] for each in found] == ["seed-3", "seed-2", "seed-1"]
        assert '"unitPrice":19.90' in session.get(orders(oms) + "/seed-1").text


def test_a_wrong_method_names_the_right_ones(oms, session):
    assert session.put(orders(oms) + "/1").headers["Allow"] == "GET, HEAD"
    assert session.get(orders(oms)).headers["Allow"] == "POST"
    assert session.get(oms.api_url + "/nothing").status_code == 404
