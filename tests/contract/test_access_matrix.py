"""Every address by every kind of caller, each with its exact answer. A new address without a row fails."""

from __future__ import annotations

import json
import re

import pytest

from orders.access.bearer_tokens import forget_tokens
from orders.access.staff import SUPERUSER, give_role
from orders.models import ApiClient, Delivery, OrderEvent, Tenant
from orders.models.tenants import SUPPLIER_SCOPES, TENANT_SCOPES
from suppliers.models import SupplierEvent
from tests.api_fixtures import Api
from tests.contract.matrix import NOWHERE, OPEN, ROWS, SCOPE, addresses, admin_addresses, named, outcome
from tests.contract.world import DEAD, furnish

pytestmark = pytest.mark.django_db

NOT_AUTHENTICATED = (401, "not-authenticated")


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.HUB_FAULT_INJECTION = True
    settings.HUB_RECEIVE_HOLD_SECONDS = 0
    settings.HUB_EMBEDDED = True


class Scene:
    """Two furnished tenants, and callers of every kind."""

    def __init__(self, acme, bolt, *, make_client, make_token):
        self.acme, self.bolt, self.mode = acme, bolt, "events"
        self._make_client, self._make_token = make_client, make_token

    def client(self, row, tenant=None):
        """The right kind of client for the row."""
        owner = tenant or self.acme
        kind = "supplier" if row.supplier else "tenant"
        return ApiClient.objects.get(tenant=owner.tenant, client_id=f"{owner.tenant.slug}-{kind}")

    def token(self, client, **more):
        return self._make_token(client, **more)

    def ask(self, row, token, **headers):
        """With the tenants in the row's mode."""
        if self.mode != row.mode:
            self.mode = row.mode
            for furnished in (self.acme, self.bolt):
                furnished.switch(row.mode)
        return row.ask(Api(token), self.acme.ids, **headers)

    def bound(self, row):
        """A client of the same kind that may use one other business unit only."""
        client = self.client(row)
        ApiClient.objects.filter(pk=client.pk).update(business_units=["store-2"])
        return self.token(client)

    def counts(self):
        return [model.objects.count() for model in (OrderEvent, Delivery, SupplierEvent)]


@pytest.fixture
def scene(make_tenant, make_client, make_token, apply_all):
    made = []
    for slug, order in (("acme", "1001"), ("bolt", "2002")):
        tenant = make_tenant(slug, country="dk", event_retry_schedule=[0], external_url="https://oms.example.com/v1")
        supplier = make_client(tenant, f"{slug}-supplier", kind="supplier")
        writer = make_token(make_client(tenant, f"{slug}-tenant"))
        made.append(furnish(tenant, order=order, supplier=supplier, token=writer, apply_all=apply_all))
    return Scene(*made, make_client=make_client, make_token=make_token)


def expect(scene, token_of, wanted, **headers):
    """Asks each row; ``token_of`` and ``wanted`` take the row. All differences at once."""
    found = {named(row): scene.ask(row, token_of(row), **headers) for row in ROWS}
    assert found == {named(row): wanted(row) for row in ROWS}


def test_every_address_has_its_row():
    assert addresses() == {row.pattern for row in ROWS} | set(OPEN)


def test_the_right_token_is_answered(scene):
    expect(scene, lambda row: scene.token(scene.client(row)), lambda row: row.right)


def test_a_token_of_the_one_scope_is_enough(scene):
    expect(scene, lambda row: scene.token(scene.client(row), scopes=[row.scope]), lambda row: row.right)


def test_without_a_token_nothing_is_answered(scene):
    before = scene.counts()
    expect(scene, lambda row: None, lambda row: NOT_AUTHENTICATED)
    assert scene.counts() == before


MALFORMED = ["Bearer", "Bearer  ", "Basic dTpw", "Token abc", "Bearer unknown", "Bearer a b", "Bearer \x00", "é"]


def test_a_malformed_or_unknown_token_is_401(scene):
    before = scene.counts()
    for header in MALFORMED:
        expect(scene, lambda row: None, lambda row: NOT_AUTHENTICATED, Authorization=header)
    assert scene.counts() == before


def test_an_expired_token_is_401(scene):
    expect(scene, lambda row: scene.token(scene.client(row), seconds=-1), lambda row: NOT_AUTHENTICATED)


def test_a_revoked_token_is_401(scene):
    def revoked(row):
        token = scene.token(scene.client(row))
        assert scene.ask(row, token) == row.right
        scene.client(row).accesstoken_set.all().delete()
        forget_tokens()
        return token

    expect(scene, revoked, lambda row: NOT_AUTHENTICATED)


def test_a_stopped_clients_token_is_401(scene):
    def stopped(row):
        client = scene.client(row)
        ApiClient.objects.filter(pk=client.pk).update(active=False)
        return scene.token(client)

    expect(scene, stopped, lambda row: NOT_AUTHENTICATED)


def test_a_stopped_tenants_token_is_401(scene):
    Tenant.objects.filter(pk=scene.acme.tenant.pk).update(active=False)
    expect(scene, lambda row: scene.token(scene.client(row)), lambda row: NOT_AUTHENTICATED)


def test_a_staff_session_is_no_token(scene):
    user = give_role("root", role=SUPERUSER, tenant=None, password="pass-of-root-1").user
    api = Api()
    api._client.force_login(user)
    for row in ROWS:
        assert row.ask(api, scene.acme.ids) == NOT_AUTHENTICATED, named(row)
        for cookie in api._client.cookies.values():
            assert row.ask(api, scene.acme.ids, Cookie=cookie.OutputString()) == NOT_AUTHENTICATED, named(row)


def test_a_token_of_every_scope_but_the_one_is_403(scene):
    def lacking(row):
        known = SUPPLIER_SCOPES if row.supplier else TENANT_SCOPES
        return scene.token(scene.client(row), scopes=[scope for scope in known if scope != row.scope])

    before = scene.counts()
    expect(scene, lacking, lambda row: SCOPE if row.scope else NOWHERE)
    assert scene.counts() == before


def test_a_scope_that_the_client_lost_is_lost_to_its_live_token(scene):
    def lost(row):
        client = scene.client(row)
        token = scene.token(client, scopes=[row.scope])
        ApiClient.objects.filter(pk=client.pk).update(scopes=[])
        return token

    expect(scene, lost, lambda row: SCOPE if row.scope else NOWHERE)


def test_a_client_of_the_other_kind_is_refused(scene):
    def other(row):
        kind = "tenant" if row.supplier else "supplier"
        return scene.token(ApiClient.objects.get(tenant=scene.acme.tenant, client_id=f"acme-{kind}"))

    before = scene.counts()
    expect(scene, other, lambda row: row.other_kind)
    assert scene.counts() == before


def test_the_other_kinds_scope_on_a_token_is_not_believed(scene):
    """A row made by hand: the client's own scopes bound it."""

    def forged(row):
        kind = "tenant" if row.supplier else "supplier"
        client = ApiClient.objects.get(tenant=scene.acme.tenant, client_id=f"acme-{kind}")
        return scene.token(client, scopes=[*TENANT_SCOPES, *SUPPLIER_SCOPES])

    expect(scene, forged, lambda row: row.other_kind)


def test_a_client_of_another_business_unit_is_kept_to_its_own(scene):
    expect(scene, scene.bound, lambda row: row.other_unit)


def test_another_tenants_client_finds_nothing_of_this_ones(scene):
    def strangers(row):
        return scene.token(scene.client(row, scene.bolt))

    expect(scene, strangers, lambda row: row.stranger)
    acme = OrderEvent.objects.filter(tenant=scene.acme.tenant)
    assert sorted(acme.values_list("status", flat=True)) == ["applied", "dead", "dead"]


def test_what_answers_a_stranger_tells_of_its_own_rows_only(scene):
    api = Api(scene.token(scene.client(ROWS[0], scene.bolt)))
    events = json.loads(api.get("/api/v1/order-events").content)["orderEvents"]
    assert {event["customerOrderId"] for event in events} == {"2002", *DEAD}
    assert {event["eventId"] for event in events}.isdisjoint(scene.acme.ids.values())
    found = json.loads(api.post("/api/v1/business-units/store-1/customer-orders:search", {}).content)
    assert [order["customerOrderId"] for order in found["customerOrders"]] == ["2002"]
    supplier = Api(scene.token(ApiClient.objects.get(client_id="bolt-supplier")))
    for what in ("receive", "deliveries"):
        answer = supplier.get(f"/api/events/v1/dk/external/bolt/{what}")
        assert (answer.status_code, scene.acme.part.encode() in answer.content) == (200, False)
        assert scene.bolt.part.encode() in answer.content


def test_a_tenant_header_that_names_another_is_403(scene):
    wanted = lambda row: (403, "tenant-mismatch") if row.scope else NOWHERE  # noqa: E731
    expect(scene, lambda row: scene.token(scene.client(row)), wanted, Tenant_Id="bolt")


def test_a_method_that_no_row_has_is_405_whatever_the_scope(scene):
    for row in ROWS[:-1]:
        api = Api(scene.token(scene.client(row), scopes=[]))
        scene.acme.switch(row.mode)
        for method in ("DELETE", "PATCH", "OPTIONS", "TRACE"):
            assert outcome(api.call(method, row.target.format(**scene.acme.ids)))[0] == 405, (method, named(row))


# --- what needs no token -------------------------------------------------------------------------------------------


def test_an_open_address_answers_everybody_the_same(scene):
    for pattern, (method, status) in OPEN.items():
        for token in (None, "unknown", scene.token(scene.client(ROWS[0]))):
            answer = Api(token).call(method, f"/{pattern}", REMOTE_ADDR="203.0.113.7")
            assert answer.status_code == status, pattern
            assert pattern != "healthz" or b"limitSeconds" not in answer.content


def test_every_page_of_the_admin_leads_a_stranger_and_a_token_to_the_sign_in(scene):
    """Filled with "1" for every id; the sign-in itself and what has no page answer without a session."""
    token = scene.token(scene.client(ROWS[0]))
    open_pages = {"admin/login/", "admin/jsi18n/"}
    for pattern in admin_addresses() - open_pages:
        target = "/" + re.sub(r"\(\?P<.*$|\(\?P<url>.*", "x", re.sub(r"<[^>]+>", "1", pattern))
        for api, method in ((Api(), "POST"), (Api(token), "GET")):
            answer = api.call(method, target)
            assert answer.status_code in (302, 403, 404, 405), (method, target, answer.status_code)
            if answer.status_code == 302:
                assert answer["Location"].startswith(("/admin/login/", "/admin/")), target
