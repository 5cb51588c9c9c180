"""pytest plugin: tenants, API clients and a caller of the HTTP API that keeps the raw target, as the server does."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from orders.access.clients import ClientEntry, save_client
from orders.inbox import applying
from orders.models import ApiClient, OrderQueue, Tenant
from orders.models.tenants import SUPPLIER_SCOPES, TENANT_SCOPES

SECRET = "correct-horse-battery-staple-0123456789"


class Api:
    """Calls the hub in this process. ``RAW_URI`` is the target as written, percent-encoding and all."""

    def __init__(self, token=None):
        self.token = token
        self._client = Client(raise_request_exception=False)

    def call(self, method, target, body=None, *, content_type="application/json", headers=None, **environ):
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if body is not None and content_type:
            environ["CONTENT_TYPE"] = content_type
        path, _, query = target.partition("?")
        return self._client.generic(
            method,
            path,
            data,
            content_type=content_type if body is not None else "",
            headers=authorization | (headers or {}),
            QUERY_STRING=query,
            RAW_URI=target,
            **environ,
        )

    def get(self, target, **more):
        return self.call("GET", target, **more)

    def put(self, target, body=None, **more):
        return self.call("PUT", target, body, **more)

    def post(self, target, body=None, **more):
        return self.call("POST", target, body, **more)


@pytest.fixture
def make_tenant(db):
    def make(slug="acme", mode="events", **more):
        more.setdefault("external_url", "" if mode == "events" else "https://oms.example.com/api/v1")
        return Tenant.objects.create(slug=slug, name=slug.title(), mode=mode, **more)

    return make


@pytest.fixture
def make_client(db):
    """An API client; ``scopes`` None: all of its kind."""

    def make(tenant, client_id="till", *, scopes=None, kind=ApiClient.Kind.TENANT, **more):
        known = SUPPLIER_SCOPES if kind == ApiClient.Kind.SUPPLIER else TENANT_SCOPES
        entry = ClientEntry(
            client_id=client_id,
            scopes=list(known) if scopes is None else scopes,
            client_secret=SECRET,
            kind=kind,
            **more,
        )
        return save_client(tenant, entry).client

    return make


@pytest.fixture
def make_token(db):
    """A stored access token of the client."""

    def make(client, *, scopes=None, seconds=3600):
        text = f"token-{client.client_id}-{AccessToken.objects.count()}"
        AccessToken.objects.create(
            application=client,
            token=text,
            scope=" ".join(client.scopes if scopes is None else scopes),
            expires=timezone.now() + timedelta(seconds=seconds),
        )
        return text

    return make


@pytest.fixture
def sign_in(make_client, make_token):
    """A caller with a token of a new client of the tenant."""

    def sign(tenant, client_id="till", **more):
        return Api(make_token(make_client(tenant, client_id, **more)))

    return sign


@pytest.fixture
def acme(make_tenant):
    """A tenant in events mode."""
    return make_tenant("acme")


@pytest.fixture
def api(acme, sign_in):
    """A caller with every scope of the tenant acme."""
    return sign_in(acme)


@pytest.fixture
def anyone():
    """A caller without a token."""
    return Api()


@pytest.fixture
def apply_all():
    """Applies every event that is due, as the workers would; what comes due within a second is due."""

    def apply():
        now = timezone.now()
        soon = OrderQueue.objects.filter(
            lease=None, tenant__active=True, due_at__gt=now, due_at__lt=now + timedelta(seconds=1)
        )
        while applying.drain() or soon.update(due_at=now - timedelta(seconds=1)):
            pass

    return apply
