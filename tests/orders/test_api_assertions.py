"""docs/reference/api.md#token-endpoint: private_key_jwt at the token endpoint, and the limit to failures."""

import base64
import hashlib
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import urlencode

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from orders.api import assertions, token
from orders.models import ApiClient, UsedAssertion
from orders.retention import expired_rows
from tests.api_fixtures import SECRET, Api

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
AUDIENCE = "https://hub.example.com/oauth2/token"


@cache
def private_key(name):
    """One key per name for the whole run; making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024 if name == "short" else 2048)


def pem(name):
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return private_key(name).public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


@cache
def certificate(name, *, days_old=0, days=365):
    begun = datetime.now(UTC) - timedelta(days=days_old, minutes=5)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, private_key(name).public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(begun).not_valid_after(begun + timedelta(days=days))
    return builder.sign(private_key(name), hashes.SHA256())


def cert_pem(name, **age):
    return certificate(name, **age).public_bytes(serialization.Encoding.PEM).decode()


def thumbprint(name, algorithm=hashlib.sha1):
    return algorithm(certificate(name).public_bytes(serialization.Encoding.DER)).digest()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(autouse=True)
def _public_url(settings):
    settings.HUB_PUBLIC_URL = "https://hub.example.com"


@pytest.fixture
def beans(acme, make_client):
    return make_client(acme, "beans", kind=ApiClient.Kind.SUPPLIER, public_keys=[cert_pem("old"), cert_pem("new")])


def assertion(key="new", *, headers=None, algorithm="RS256", without=(), **claims):
    now = int(time.time())
    payload = {"iss": "beans", "sub": "beans", "aud": AUDIENCE, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60}
    payload |= claims
    for name in without:
        del payload[name]
    signer = private_key(key) if isinstance(key, str) else key
    return jwt.encode(payload, signer, algorithm=algorithm, headers=headers)


def ask(signed, **more):
    form = {"grant_type": "client_credentials", "client_assertion_type": assertions.TYPE, "client_assertion": signed}
    form |= more
    data = urlencode({name: value for name, value in form.items() if value is not None}).encode()
    return Api().post("/oauth2/token", data, content_type=FORM)


def granted(response):
    assert response.status_code == 200, response.content
    return json.loads(response.content)


def refused(response, error="invalid_client", status=401):
    assert (response.status_code, json.loads(response.content)["error"]) == (status, error)
    if status == 401:
        assert response["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("key", ["old", "new"])
def test_each_registered_certificate_signs_in_without_a_client_id(beans, key):
    found = granted(ask(assertion(key, headers={"x5t": b64(thumbprint(key))})))
    assert (found["token_type"], found["expires_in"]) == ("Bearer", 3600)
    assert set(found["scope"].split()) == {"supplier-orders:read", "events"}
    assert Api(found["access_token"]).get("/api/Orders").status_code == 400


@pytest.mark.parametrize(
    "headers",
    [{"kid": thumbprint("new").hex().upper()}, {"kid": b64(thumbprint("new"))}, {"kid": "our-key-2026"}, {},
     {"x5t#S256": b64(thumbprint("new", hashlib.sha256))}, {"kid": thumbprint("new", hashlib.sha256).hex()}],
    ids=" ".join,  # the values are made per process
)  # fmt: skip
def test_the_header_names_the_key_by_kid_or_thumbprint_or_leaves_it_to_the_signature(beans, headers):
    granted(ask(assertion(headers=headers)))


def test_a_bare_public_key_signs_in_too(beans):
    ApiClient.objects.update(public_keys=[pem("bare")])
    granted(ask(assertion("bare", headers={"kid": "1", "x5t": "anything"})))


@pytest.mark.parametrize(
    "headers",
    [{"x5t": b64(thumbprint("old"))}, {"kid": thumbprint("old").hex()}, {"x5t": b64(b"x" * 20)}],
    ids=" ".join,
)
def test_a_header_that_names_another_certificate_is_refused(beans, headers):
    refused(ask(assertion("new", headers=headers)))


def test_the_audience_may_be_a_list_of_one_and_the_client_id_may_be_said(beans):
    granted(ask(assertion(aud=[AUDIENCE]), client_id="beans", scope="events"))


@pytest.mark.parametrize(
    "claims",
    [{"aud": "https://other.example.com/oauth2/token"}, {"aud": [AUDIENCE, "https://other.example.com"]}, {"aud": []},
     {"aud": "https://hub.example.com"}, {"iss": "peas"}, {"sub": "peas"}, {"iss": "peas", "sub": "peas"}, {"sub": 5},
     {"exp": int(time.time()) - 120}, {"exp": int(time.time()) + 7300}, {"nbf": int(time.time()) + 3600},
     {"exp": "soon"}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 1001}, {"without": ["jti"]}, {"without": ["exp"]},
     {"without": ["aud"]}, {"without": ["iss"]}, {"without": ["sub"]}],
    ids=" ".join,  # the same in every worker: the values hold the time
)  # fmt: skip
def test_a_claim_that_is_not_as_it_must_be_is_invalid_client(beans, claims):
    refused(ask(assertion(**claims)))
    assert not UsedAssertion.objects.exists()


def test_a_clock_a_minute_off_is_no_fault(beans):
    now = int(time.time())
    granted(ask(assertion(exp=now - 50)))
    granted(ask(assertion(iat=now + 50, nbf=now + 50, exp=now + 110)))


def test_a_signature_of_another_key_or_kind_is_invalid_client(beans):
    refused(ask(assertion("stranger")))
    refused(ask(assertion(algorithm="RS512")))
    refused(ask(assertion(ec.generate_private_key(ec.SECP256R1()), algorithm="ES256")))
    refused(ask(assertion(hashlib.sha256(b"x").digest(), algorithm="HS256")))
    unsigned = jwt.encode({"iss": "beans", "sub": "beans", "aud": AUDIENCE, "jti": "1"}, None, algorithm="none")
    refused(ask(unsigned))
    assert not UsedAssertion.objects.exists()


@pytest.mark.parametrize("signed", ["", "x", "a.b.c", "é.é.é", "." * 5000])
def test_what_is_no_jwt_is_invalid_client(beans, signed):
    refused(ask(signed))


def test_a_replayed_jti_is_refused_and_another_clients_same_jti_is_not(beans, acme, make_client):
    make_client(acme, "peas", kind=ApiClient.Kind.SUPPLIER, public_keys=[cert_pem("new")])
    granted(ask(assertion(jti="once")))
    refused(ask(assertion(jti="once")))
    granted(ask(assertion(jti="once", iss="peas", sub="peas")))


def described(response):
    refused(response)
    return json.loads(response.content).get("error_description", "")


def test_who_signed_with_the_clients_key_is_told_why_it_is_refused(beans):
    granted(ask(assertion(jti="once")))
    assert "jti was used before" in described(ask(assertion(jti="once")))
    assert f"aud is not {AUDIENCE}" in described(ask(assertion(aud="https://other.example.com/oauth2/token")))
    now = int(time.time())
    assert "exp is past" in described(ask(assertion(iat=now - 600, exp=now - 300)))


def test_who_did_not_sign_with_it_is_told_nothing(beans):
    now = int(time.time())
    for claims in ({"aud": "https://other.example.com"}, {"iat": now - 600, "exp": now - 300}, {}):
        assert described(ask(assertion("stranger", **claims))) == ""


def test_a_jti_is_remembered_in_the_database_until_its_assertion_has_run_out(beans):
    granted(ask(assertion(jti="once")))
    row = UsedAssertion.objects.get()
    assert 3_710 <= (row.expires_at - datetime.now(UTC)).total_seconds() <= 3_721
    expired_rows.remove_expired()
    assert UsedAssertion.objects.count() == 1
    UsedAssertion.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    expired_rows.remove_expired()
    assert not UsedAssertion.objects.exists()


def test_a_certificate_out_of_its_time_signs_nobody_in(beans):
    ApiClient.objects.update(public_keys=[cert_pem("new", days_old=400)])
    refused(ask(assertion()))


def test_a_stopped_client_or_one_without_keys_is_invalid_client(beans):
    ApiClient.objects.update(active=False)
    refused(ask(assertion()))
    ApiClient.objects.update(active=True, public_keys=[])
    refused(ask(assertion()))
    assert not UsedAssertion.objects.exists()


def test_two_ways_at_once_or_a_wrong_type_are_refused(beans):
    refused(ask(assertion(), client_secret=SECRET), "invalid_request", 400)
    refused(ask(assertion(), client_id="peas"))
    refused(ask(assertion(), client_assertion_type="urn:something:else"))
    refused(ask(assertion(), client_assertion_type=None))


def test_a_scope_the_client_lacks_is_invalid_scope(beans):
    refused(ask(assertion(), scope="customer-orders:read"), "invalid_scope", 400)


@pytest.mark.django_db(transaction=True)
def test_a_public_oauth_library_gets_a_token_by_private_key_jwt(beans, live_server, settings, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    settings.HUB_PUBLIC_URL = live_server.url
    url = f"{live_server.url}/oauth2/token"
    with OAuth2Session(client=BackendApplicationClient("beans")) as session:
        session.trust_env = False
        found = session.fetch_token(
            url,
            include_client_id=False,
            client_assertion_type=assertions.TYPE,
            client_assertion=assertion(aud=url, headers={"x5t": b64(thumbprint("new"))}),
        )
        assert found["token_type"] == "Bearer"
        assert session.get(f"{live_server.url}/api/Orders").status_code == 400


# Failures


def wrong(client_id="beans", address="192.0.2.1", secret="wrong"):
    data = urlencode({"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}).encode()
    return Api().post("/oauth2/token", data, content_type=FORM, REMOTE_ADDR=address)


def test_failures_are_throttled_per_client_and_address_so_that_nobody_locks_another_out(beans, monkeypatch):
    monkeypatch.setattr(token.FAILURES.__class__, "_key", lambda self, caller: f"t:{caller}".replace("\n", "-"))
    for _ in range(token.FAILURES.most):
        refused(wrong())
    stopped = wrong(secret=SECRET)
    assert (stopped.status_code, json.loads(stopped.content)["error"]) == (429, "temporarily_unavailable")
    assert 1 <= int(stopped["Retry-After"]) <= 60
    granted(wrong(address="192.0.2.2", secret=SECRET))
    refused(wrong("peas"))


def test_failed_assertions_count_for_the_client_they_claim(beans, monkeypatch):
    monkeypatch.setattr(token.FAILURES.__class__, "_key", lambda self, caller: f"t:{caller}".replace("\n", "-"))
    for _ in range(token.FAILURES.most):
        refused(ask(assertion("stranger")))
    assert ask(assertion()).status_code == 429
    assert wrong(address="127.0.0.1", secret=SECRET).status_code == 429
    granted(wrong(secret=SECRET))


def test_good_requests_are_never_throttled(beans):
    for _ in range(token.FAILURES.most + 5):
        granted(wrong(secret=SECRET))


def test_a_client_id_that_is_no_text_is_refused(db):
    response = ask(assertion(iss="\ud800", sub="\ud800"))
    assert response.status_code == 401
    assert json.loads(response.content)["error"] == "invalid_client"
