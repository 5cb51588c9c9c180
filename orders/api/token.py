"""The token endpoint: OAuth 2.0 client credentials for API clients (contract: HTTP API; scalepoint.md section 6).

The OAuth toolkit does the protocol. Ours: which client may authenticate, which scopes it has, two secrets while one is
rotated, and a hasher that is quick because the secrets are long and random.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes

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
        return grant_type == "client_credentials"
