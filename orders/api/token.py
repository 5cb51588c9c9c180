"""The token endpoint: OAuth 2.0 client credentials for API clients (docs/reference/api.md#token-endpoint).

The OAuth toolkit does the protocol. Ours: which client may authenticate, which scopes it has, two secrets while one is
rotated, assertions signed with the client's own key, a limit to failures, and a hasher that is quick because the
secrets are long and random.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

import orjson
import structlog
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from oauth2_provider.views import TokenView
from oauthlib.oauth2.rfc6749.errors import InvalidClientError

from orders.access.sign_ins import place_of
from orders.access.throttle import Throttle
from orders.api import assertions
from orders.api.errors import ProblemResponse, problem_of
from orders.http.bodies import check_encoding
from orders.http.lengths import stated_length
from orders.models import ApiClient
from orders.models.tenants import SUPPLIER_SCOPES, TENANT_SCOPES
from orders.values.problems import InvalidBody, Throttled, UnsupportedMediaType

log = structlog.get_logger("orderhub.tokens")


class ClientSecretHasher(PBKDF2PasswordHasher):
    """For machine secrets: the default's cost protects short passwords and would make a token take 200 ms."""

    algorithm = "client_secret"
    iterations = 5_000


class ClientScopes(BaseScopes):  # type: ignore[misc]  # the toolkit has no types
    def get_all_scopes(self) -> dict[str, str]:
        return TENANT_SCOPES | SUPPLIER_SCOPES

    def get_available_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> Any:
        return application.scopes if application else []

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> Any:
        return application.scopes if application else []


class ClientValidator(OAuth2Validator):  # type: ignore[misc]  # the toolkit has no types
    """Only active clients of active tenants; the old secret stays good until its end while one is rotated."""

    def _load_application(self, client_id: str, request: Any) -> ApiClient | None:
        """The client, or None, which takes as long as a client's wrong secret does: nobody learns who exists.

        A client id that no row can hold does not reach the database.
        """
        if not client_id or _CONTROL.search(client_id):
            return None
        request.client = (
            request.client or ApiClient.objects.select_related("tenant").filter(client_id=client_id).first()
        )
        client: ApiClient | None = super()._load_application(client_id, request) if request.client else None
        if client is None:
            self._check_secret("", _nobodys_secret())
        return client

    def _extract_basic_auth(self, request: Any) -> str | None:
        """The toolkit takes the scheme in one letter case only (RFC 9110, section 11.1)."""
        scheme, _, login = request.headers.get("HTTP_AUTHORIZATION", "").partition(" ")
        return login.strip() or None if scheme.lower() == "basic" else None

    def _authenticate_basic_auth(self, request: Any) -> bool:
        """The pair form-encoded (RFC 6749, section 2.3.1), else as it is: ``curl -u`` encodes nothing."""
        for client_id, secret in _pairs(self._extract_basic_auth(request) or ""):
            if getattr(request.client, "client_id", client_id) != client_id:
                request.client = None
            client = self._load_application(client_id, request)
            if client is not None and self._check_secret(secret, client.client_secret):
                return True
        return False

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """By an assertion where the form has one, else by Basic or the form's secret."""
        form = dict(request.decoded_body or ())
        if "client_assertion" not in form and "client_assertion_type" not in form:
            return bool(super().authenticate_client(request, *args, **kwargs))
        try:
            return self._authenticate_by_assertion(request, form)
        except assertions.AssertionRefused as refused:
            log.warning("assertion refused", client=getattr(request.client, "client_id", None), reason=str(refused))
            if refused.told:
                raise InvalidClientError(f"The assertion is refused: {refused}.", request=request) from None
            return False

    def _authenticate_by_assertion(self, request: Any, form: Mapping[str, str]) -> bool:
        if form.get("client_assertion_type") != assertions.TYPE:
            raise assertions.AssertionRefused(f"client_assertion_type is not {assertions.TYPE}")
        assertion = form.get("client_assertion", "")
        claimed = assertions.read_claim(assertion)
        if form.get("client_id", claimed) != claimed:
            raise assertions.AssertionRefused("client_id is not the assertion's")
        client = self._load_application(claimed, request)
        if client is None:
            raise assertions.AssertionRefused("there is no such client")
        assertions.verify(assertion, client)
        return True

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        if check_password(provided_secret, stored_secret):
            return True
        rotated = ApiClient.objects.filter(
            ~Q(previous_client_secret=""), client_secret=stored_secret, previous_secret_until__gt=timezone.now()
        )
        previous = rotated.values_list("previous_client_secret", flat=True).first()
        return bool(previous and check_password(provided_secret, previous))

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: ApiClient, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return grant_type == GRANT


@cache
def _nobodys_secret() -> str:
    """A secret that no client has, hashed as theirs are."""
    return make_password(secrets.token_urlsafe(32), hasher=ClientSecretHasher.algorithm)


GRANT = "client_credentials"
FORM = "application/x-www-form-urlencoded"
FORM_LIMIT_BYTES = 64 * 1024
"""A token request is a few hundred bytes, with a signed assertion a few thousand."""
CHALLENGE = 'Basic realm="orderhub"'
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")


FAILURES = Throttle("token-failures", most=20, seconds=60)
"""Of one client id from one address: a person who tries a few secrets is not stopped, a program that guesses is, and
nobody can shut out a client by failing in its name from elsewhere."""


FAILURES_OF_AN_ADDRESS = Throttle("token-failures-of-an-address", most=200, seconds=60)
"""Of one address, or one IPv6 /64, whatever client ids it tries: ten clients of a shop that all fail at once."""


class TokenError(Exception):
    """A refusal in the words of RFC 6749, section 5.2."""

    def __init__(self, error: str, detail: str, *, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.error, self.status, self.headers = error, status, headers

    def as_response(self) -> HttpResponse:
        body = orjson.dumps({"error": self.error, "error_description": str(self)})
        return HttpResponse(body, status=self.status, headers=self.headers, content_type="application/json")


class TokenEndpoint(TokenView):  # type: ignore[misc]  # the toolkit has no types
    """``POST /oauth2/token``. The form is read strictly before the toolkit sees it."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            _check_form(request)
            _omit_empty_parameters(request)
            place = place_of(request.META.get("REMOTE_ADDR", ""))
            caller = f"{_claimed_client(request)}\n{place}"
            FAILURES.check(caller)
            FAILURES_OF_AN_ADDRESS.check(place)
            return self._answer(request, caller, place)
        except Throttled as throttled:
            detail = f"Too many failures. {throttled}"
            return TokenError("temporarily_unavailable", detail, status=429, headers=throttled.headers).as_response()
        except TokenError as refused:
            return refused.as_response()
        except SuspiciousOperation:
            return TokenError("invalid_request", "The form could not be read.").as_response()
        except DatabaseError as error:
            return ProblemResponse(problem_of(error))

    def _answer(self, request: HttpRequest, caller: str, place: str) -> HttpResponse:
        """Nothing is told of a secret, wrong or right, when too many failed while it was looked at: however many
        guesses come at once, no more are answered."""
        response: HttpResponse = self.authorization_flow_token_response(request)
        if response.status_code == 401:
            FAILURES.use(caller)
            FAILURES_OF_AN_ADDRESS.use(place)
            response.headers["WWW-Authenticate"] = CHALLENGE
        else:
            FAILURES.check(caller)
            FAILURES_OF_AN_ADDRESS.check(place)
        return response

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        refused = TokenError("invalid_request", "Fetch a token with POST.", status=405, headers={"Allow": "POST"})
        return refused.as_response()


def _check_form(request: HttpRequest) -> None:
    """Raises TokenError for what is no token request of this server."""
    _check_bytes(request)
    if (request.content_type or "").lower() != FORM:
        raise TokenError("invalid_request", f"Send the form as {FORM}.")
    if "HTTP_TRANSFER_ENCODING" in request.META:
        raise TokenError("invalid_request", "Send the form with a Content-Length, not in chunks.")
    for name, values in request.POST.lists():
        if len(values) > 1:
            raise TokenError("invalid_request", "A parameter is given twice.")
        if _CONTROL.search(name + values[0]):
            raise TokenError("invalid_request", "The form holds characters that no parameter has.")
    _check_one_client(request)
    grant = request.POST.get("grant_type")
    if not grant:
        raise TokenError("invalid_request", f"Send grant_type={GRANT}.")
    if grant != GRANT:
        raise TokenError("unsupported_grant_type", f"Only grant_type={GRANT} is answered here.")


def _check_bytes(request: HttpRequest) -> None:
    """How many they are and how they are packed, before any of them is read."""
    try:
        length = stated_length(request)
        check_encoding(request)
    except (InvalidBody, UnsupportedMediaType) as refused:
        raise TokenError("invalid_request", str(refused), status=refused.status, headers=refused.headers) from None
    if length > FORM_LIMIT_BYTES:
        raise TokenError("invalid_request", f"The form is larger than {FORM_LIMIT_BYTES:,} bytes.", status=413)


def _check_one_client(request: HttpRequest) -> None:
    if "client_assertion" in request.POST and _secret_given(request):
        raise TokenError("invalid_request", "Authenticate in one way: by client_assertion or by secret.")
    in_header, in_form = _basic(request)[0], request.POST.get("client_id")
    if in_header and in_form and in_header != in_form:
        raise TokenError("invalid_request", "The form's client_id is not the Authorization header's.")


def _omit_empty_parameters(request: HttpRequest) -> None:
    """A parameter without a value is none (RFC 6749, section 3.2): ``scope=`` asks for all of the client's."""
    form = request.POST.copy()
    for name in [name for name, values in form.lists() if values == [""]]:
        del form[name]
    request.POST = form  # type: ignore[assignment]  # typed as what a parsed form is


def _claimed_client(request: HttpRequest) -> str:
    """Whom the request says it is from, unverified: what failures are counted under."""
    assertion = request.POST.get("client_assertion")
    if assertion is None:
        return _basic(request)[0] or request.POST.get("client_id", "")
    try:
        return assertions.read_claim(assertion)
    except assertions.AssertionRefused:
        return ""


def _secret_given(request: HttpRequest) -> bool:
    """Some libraries send Basic with an empty secret beside an assertion: that authenticates nobody."""
    return bool(request.POST.get("client_secret") or _basic(request)[1])


def _basic(request: HttpRequest) -> tuple[str, str]:
    """Client id and secret of a Basic header, as far as they can be read."""
    scheme, _, login = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    pairs = _pairs(login) if scheme.lower() == "basic" else []
    return pairs[0] if pairs else ("", "")


def _pairs(login: str) -> list[tuple[str, str]]:
    """Client id and secret of a Basic login: decoded and, where that differs, as they are. Empty for no login."""
    try:
        client_id, colon, secret = base64.b64decode(login).decode().partition(":")
    except ValueError:
        return []
    decoded = unquote_plus(client_id), unquote_plus(secret)
    raw = [] if decoded == (client_id, secret) else [(client_id, secret)]
    return [decoded, *raw] if colon else []
