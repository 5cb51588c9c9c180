"""docs/reference/api.md#token-endpoint, and tokens on the API."""

import base64
import hashlib
import json
from datetime import timedelta
from functools import partial
from urllib.parse import quote, quote_plus, urlencode

import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken

from orders.access import bearer_tokens
from orders.access.clients import ClientEntry, rotate_secret, save_client
from orders.models import ApiClient, Tenant
from tests.api_fixtures import SECRET, Api

pytestmark = pytest.mark.django_db

ORDER = "/api/v1/business-units/store-1/customer-orders/1001"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def till(acme, make_client):
    return make_client(acme, "till", scopes=["customer-orders:read", "customer-orders:write"])


def basic(client_id="till", secret=SECRET):
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def ask(body=None, *, headers=None, content_type=FORM, **form):
    data = body if body is not None else urlencode(form).encode()
    return Api().post("/oauth2/token", data, content_type=content_type, headers=headers)


def granted(response):
    assert response.status_code == 200, response.content
    return json.loads(response.content)


def refused(response, error, status=400):
    assert (response.status_code, response["Content-Type"]) == (status, "application/json"), response.content
    found = json.loads(response.content)
    assert found["error"] == error
    assert set(found) <= {"error", "error_description"}
    assert ("WWW-Authenticate" in response) == (status == 401)
    assert response["Cache-Control"] == "no-store"
    assert response["Correlation-Id"]


def test_a_client_fetches_a_token_by_basic(till):
    response = ask(grant_type="client_credentials", headers=basic())
    found = granted(response)
    assert set(found) == {"access_token", "token_type", "expires_in", "scope"}
    assert (found["token_type"], found["expires_in"]) == ("Bearer", 3600)
    assert set(found["scope"].split()) == {"customer-orders:read", "customer-orders:write"}
    assert response["Cache-Control"] == "no-store"
    assert Api(found["access_token"]).get(ORDER).status_code == 404


SECRETS = [
    "pL+us/and%41:colon=ok", "per%cent-at-the-end-%", "plain-secret-of-16", "a blank + a plus", "%2B and +",
    "kød€-of-16-letters",
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "bAsIc"])
def test_the_scheme_counts_in_any_letter_case(till, scheme):
    login = basic()["Authorization"].partition(" ")[2]
    granted(ask(grant_type="client_credentials", headers={"Authorization": f"{scheme} {login}"}))


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("written", [str, quote_plus, partial(quote, safe="")])
def test_a_secret_of_any_letters_is_taken_encoded_and_as_it_is(acme, secret, written):
    save_client(acme, ClientEntry("odd", ["customer-orders:read"], client_secret=secret))
    granted(ask(grant_type="client_credentials", headers=basic("odd", written(secret))))
    refused(ask(grant_type="client_credentials", headers=basic("odd", written(secret + "x"))), "invalid_client", 401)


@pytest.mark.parametrize("login", ["", "=", "bm8tY29sb24=", "/w==", "ü", "a b", "Og=="])
def test_a_basic_header_that_is_no_login_is_invalid_client(till, login):
    refused(ask(grant_type="client_credentials", headers={"Authorization": f"Basic {login}"}), "invalid_client", 401)


def test_a_client_fetches_a_token_with_its_secret_in_the_form(till):
    found = granted(ask(grant_type="client_credentials", client_id="till", client_secret=SECRET))
    assert Api(found["access_token"]).get(ORDER).status_code == 404


def test_a_token_is_stored_hashed_only(till):
    token = granted(ask(grant_type="client_credentials", headers=basic()))["access_token"]
    row = AccessToken.objects.get()
    assert row.token_checksum == hashlib.sha256(token.encode()).hexdigest()
    assert token not in (row.token, str(row.__dict__))
    assert SECRET not in ApiClient.objects.get().client_secret


def test_a_scope_narrows_the_token(till):
    found = granted(ask(grant_type="client_credentials", scope="customer-orders:read", headers=basic()))
    assert found["scope"] == "customer-orders:read"
    reader = Api(found["access_token"])
    assert reader.get(ORDER).status_code == 404
    assert reader.get("/api/v1/order-events").status_code == 403


def test_an_empty_scope_is_as_good_as_none(till):
    found = granted(ask(grant_type="client_credentials", scope="", headers=basic()))
    assert set(found["scope"].split()) == {"customer-orders:read", "customer-orders:write"}


def test_two_different_client_ids_are_an_invalid_request(till):
    refused(ask(grant_type="client_credentials", client_id="other", headers=basic()), "invalid_request")
    granted(ask(grant_type="client_credentials", client_id="till", headers=basic()))


@pytest.mark.parametrize("scope", ["events", "customer-orders:read events", "unknown", "*", "customer-orders:READ"])
def test_a_scope_the_client_lacks_is_invalid_scope(till, scope):
    refused(ask(grant_type="client_credentials", scope=scope, headers=basic()), "invalid_scope")
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [None, basic(secret="wrong"), basic("unknown"), basic(secret=""), basic("", ""), basic("till\x00"), basic("tïll"),
     {"Authorization": "Basic"}, {"Authorization": "Basic !!!"}, {"Authorization": "Basic dGlsbA=="},
     {"Authorization": "Basic /////w=="}, {"Authorization": "Bearer x"}, basic("x" * 10_000)],
)  # fmt: skip
def test_wrong_client_authentication_is_invalid_client(till, headers):
    refused(ask(grant_type="client_credentials", headers=headers), "invalid_client", 401)


@pytest.mark.parametrize(
    "form",
    [{"client_id": "till"}, {"client_id": "till", "client_secret": "wrong"}, {"client_secret": SECRET},
     {"client_id": "unknown", "client_secret": SECRET}],
)  # fmt: skip
def test_wrong_client_authentication_in_the_form_is_invalid_client(till, form):
    refused(ask(grant_type="client_credentials", **form), "invalid_client", 401)


@pytest.mark.parametrize(
    "grant", ["password", "authorization_code", "refresh_token", "implicit", "x",
              "urn:ietf:params:oauth:grant-type:device_code"]
)  # fmt: skip
def test_any_other_grant_is_unsupported(till, grant):
    refused(ask(grant_type=grant, headers=basic()), "unsupported_grant_type")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"grant_type=", FORM),
        (b"grant_type=client_credentials&grant_type=client_credentials", FORM),
        (b"grant_type=client_credentials&scope=%00", FORM),
        (b"grant_type=client_credentials&client_id=a%00b&client_secret=x", FORM),
        (b"grant_type=client_credentials&client_id=%FF&client_secret=x", FORM),
        (b"&".join(b"a%d=1" % number for number in range(2_000)), FORM),
        (b'{"grant_type": "client_credentials"}', "application/json"),
        (b"grant_type=client_credentials", "text/plain"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
    ],
)
def test_a_form_that_is_no_token_request_is_invalid_request(till, body, content_type):
    refused(ask(body, content_type=content_type, headers=basic()), "invalid_request")
    assert not AccessToken.objects.exists()


def test_a_form_beyond_all_measure_is_413(till):
    refused(ask(b"x" * 70_000, headers=basic()), "invalid_request", 413)


def test_credentials_in_the_address_are_refused(till):
    target = "/oauth2/token?" + urlencode({"client_id": "till", "client_secret": SECRET})
    response = Api().post(target, b"grant_type=client_credentials", content_type=FORM)
    assert response.status_code in (400, 401)
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_a_token_is_fetched_with_post_only(till, method):
    response = Api().call(method, "/oauth2/token", headers=basic())
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_a_stopped_client_or_tenant_is_invalid_client(till, acme):
    ApiClient.objects.update(active=False)
    refused(ask(grant_type="client_credentials", headers=basic()), "invalid_client", 401)
    ApiClient.objects.update(active=True)
    Tenant.objects.filter(pk=acme.pk).update(active=False)
    refused(ask(grant_type="client_credentials", headers=basic()), "invalid_client", 401)
    Tenant.objects.filter(pk=acme.pk).update(active=True)
    granted(ask(grant_type="client_credentials", headers=basic()))


def test_two_secrets_are_good_while_one_is_rotated(till):
    made = rotate_secret(till)
    for secret in (SECRET, made):
        granted(ask(grant_type="client_credentials", headers=basic(secret=secret)))
    ApiClient.objects.update(previous_secret_until=timezone.now() - timedelta(seconds=1))
    refused(ask(grant_type="client_credentials", headers=basic()), "invalid_client", 401)
    granted(ask(grant_type="client_credentials", headers=basic(secret=made)))


def test_a_token_of_the_rotated_secret_lives_on(till, make_token):
    caller = Api(make_token(till))
    rotate_secret(till)
    assert caller.get(ORDER).status_code == 404


def test_a_supplier_client_gets_its_own_scopes(acme, make_client):
    make_client(acme, "beans", kind="supplier")
    found = granted(ask(grant_type="client_credentials", headers=basic("beans")))
    assert set(found["scope"].split()) == {"supplier-orders:read", "events"}


# --- living tokens --------------------------------------------------------------------------------------------------


def test_an_expired_token_is_401(till, make_token):
    expired = Api(make_token(till, seconds=-1))
    response = expired.get(ORDER)
    assert (response.status_code, response["WWW-Authenticate"]) == (
        401,
        'Bearer realm="orderhub", error="invalid_token"',
    )


def change(name):
    def revoke(client):
        AccessToken.objects.all().delete()

    def stop_client(client):
        ApiClient.objects.update(active=False)

    def stop_tenant(client):
        Tenant.objects.update(active=False)

    def drop_scope(client):
        ApiClient.objects.update(scopes=["customer-orders:write"])

    def bind(client):
        ApiClient.objects.update(business_units=["store-2"])

    return locals()[name]


@pytest.mark.parametrize(
    ("name", "status"),
    [("revoke", 401), ("stop_client", 401), ("stop_tenant", 401), ("drop_scope", 403), ("bind", 403)],
)
def test_what_is_revoked_is_refused_within_five_seconds(till, make_token, monkeypatch, name, status):
    now = [1000.0]
    monkeypatch.setattr(bearer_tokens.time, "monotonic", lambda: now[0])
    caller = Api(make_token(till))
    assert caller.get(ORDER).status_code == 404
    change(name)(till)
    now[0] += 4.9
    assert caller.get(ORDER).status_code == status


def test_a_token_is_forgotten_no_later_than_it_expires(till, make_token, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(bearer_tokens.time, "monotonic", lambda: now[0])
    caller = Api(make_token(till, seconds=1))
    assert caller.get(ORDER).status_code == 404
    AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    now[0] += 1.1
    assert caller.get(ORDER).status_code == 401


def test_a_remembered_token_costs_no_query(till, make_token, django_assert_num_queries):
    caller = Api(make_token(till))
    caller.get("/api/v1/nowhere")
    with django_assert_num_queries(0):
        assert caller.get("/api/v1/nowhere").status_code == 404
