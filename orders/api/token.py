"""The token endpoint: OAuth 2.0 client credentials for API clients (contract: HTTP API; scalepoint.md section 6).

The OAuth toolkit does the protocol. Ours: which client may authenticate, which scopes it has, two secrets while one is
rotated, and a hasher that is quick because the secrets are long and random.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from oauth2_provider.views import TokenView

from orders.api.errors import ProblemResponse, problem_of
from orders.models import ApiClient
from orders.models.tenants import SUPPLIER_SCOPES, TENANT_SCOPES


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
        """The client, or None; a client id that no row can hold does not reach the database."""
        if not client_id or _CONTROL.search(client_id):
            return None
        client: ApiClient | None = super()._load_application(client_id, request)
        return client

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


GRANT = "client_credentials"
FORM = "application/x-www-form-urlencoded"
FORM_LIMIT_BYTES = 64 * 1024
"""A token request is a few hundred bytes, with a signed assertion a few thousand."""
CHALLENGE = 'Basic realm="orderhub"'
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]")


class TokenError(Exception):
    """A refusal in the words of RFC 6749, section 5.2."""

    def __init__(self, error: str, detail: str, *, status: int = 400) -> None:
        super().__init__(detail)
        self.error, self.status = error, status

    def as_response(self, headers: Mapping[str, str] | None = None) -> HttpResponse:
        body = orjson.dumps({"error": self.error, "error_description": str(self)})
        return HttpResponse(body, status=self.status, headers=headers, content_type="application/json")


class TokenEndpoint(TokenView):  # type: ignore[misc]  # the toolkit has no types
    """``POST /oauth2/token``. The form is read strictly before the toolkit sees it."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            _check_form(request)
            return self._answer(request)
        except TokenError as refused:
            return refused.as_response()
        except SuspiciousOperation:
            return TokenError("invalid_request", "The form could not be read.").as_response()
        except DatabaseError as error:
            return ProblemResponse(problem_of(error))

    def _answer(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.authorization_flow_token_response(request)
        if response.status_code == 401:
            response.headers["WWW-Authenticate"] = CHALLENGE
        return response

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        refused = TokenError("invalid_request", "Fetch a token with POST.", status=405)
        return refused.as_response({"Allow": "POST"})


def _check_form(request: HttpRequest) -> None:
    """Raises TokenError for what is no token request of this server."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > FORM_LIMIT_BYTES:
        raise TokenError("invalid_request", f"The form is larger than {FORM_LIMIT_BYTES:,} bytes.", status=413)
    if (request.content_type or "").lower() != FORM:
        raise TokenError("invalid_request", f"Send the form as {FORM}.")
    for name, values in request.POST.lists():
        if len(values) > 1:
            raise TokenError("invalid_request", "A parameter is given twice.")
        if _CONTROL.search(name + values[0]):
            raise TokenError("invalid_request", "The form holds characters that no parameter has.")
    grant = request.POST.get("grant_type")
    if not grant:
        raise TokenError("invalid_request", f"Send grant_type={GRANT}.")
    if grant != GRANT:
        raise TokenError("unsupported_grant_type", f"Only grant_type={GRANT} is answered here.")
