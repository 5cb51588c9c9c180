"""What exists already is changed only in the form that shows it: adding it again is refused and leads to it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orderflow.models import OrderFlowChannel
from orders.access.staff import OPERATOR, give_role
from orders.models import ApiClient, Tenant
from suppliers.models import Supplier
from tests.admin_fixtures import agreed

pytestmark = pytest.mark.django_db

CLIENT = {"client_id": "acme-oms", "scopes": ["customer-orders:read"], "do": "save:clients"}
SUPPLIER = {
    "name": "Beans Ltd", "item_patterns": "BEAN-*", "auth": "none", "url": "https://beans.example/hook",
    "client_id": "acme-beans", "do": "save:suppliers",
}  # fmt: skip
CHANNEL = {
    "slug": "main", "base_url": "https://wms.example/rtd2-host", "channel": "MYCHANNEL", "auth": "headers",
    "username": "philz", "password": "pass", "item_patterns": "*", "time_zone": "Europe/London",
    "currency_units": "pounds", "do": "save:warehouses",
}  # fmt: skip
CASES = {
    "client": (CLIENT, {"scopes": ["products:write"]}, "acme-oms"),
    "supplier": (SUPPLIER, {"item_patterns": "*", "url": ""}, "beans-ltd"),
    "warehouse": (CHANNEL, {"item_patterns": "TEA-*", "channel": "OTHER"}, "main"),
}


@pytest.fixture
def operator(client, db):
    client.force_login(give_role("olga", role=OPERATOR, password="pass-of-olga").user)
    return client


@pytest.fixture
def acme(db):
    return Tenant.objects.create(slug="acme", name="Acme", mode="events", country="dk")


def press(operator, tenant, data):
    return agreed(operator, reverse("admin:orders_tenant_onboard", args=(tenant.pk,)), data)


def stored():
    """What the cases would change."""
    return [
        *ApiClient.objects.order_by("pk").values_list("client_id", "scopes"),
        *Supplier.objects.values_list("slug", "item_patterns", "webhook__url"),
        *OrderFlowChannel.objects.values_list("destination__name", "item_patterns", "channel"),
    ]


def page_of(name):
    if name == "client":
        return reverse("admin:orders_apiclient_change", args=(ApiClient.objects.get().pk,))
    if name == "supplier":
        return reverse("admin:suppliers_supplier_change", args=(Supplier.objects.get().pk,))
    return reverse("admin:orderflow_orderflowchannel_change", args=(OrderFlowChannel.objects.get().pk,))


@pytest.mark.parametrize("name", CASES)
def test_adding_what_exists_changes_nothing_and_leads_to_it(operator, acme, name):
    given, other, item = CASES[name]
    press(operator, acme, given)
    before = stored()
    html = press(operator, acme, given | other).content.decode()
    assert f'{item} exists already; nothing was changed. <a class="hub-link" href="{page_of(name)}">' in html
    assert stored() == before


@pytest.mark.parametrize("name", CASES)
def test_the_form_of_an_object_changes_that_one_and_no_other(operator, acme, name):
    given, other, item = CASES[name]
    press(operator, acme, given)
    before = stored()
    refused = press(operator, acme, given | other | {"item": "another"}).content.decode()
    assert "exists already" in refused
    assert stored() == before
    key = given["do"].removeprefix("save:")
    url = reverse("admin:orders_tenant_onboard", args=(acme.pk,))
    page = operator.get(f"{url}?item={key}:{item}").content.decode()
    assert f'<input type="hidden" name="item" value="{item}">' in page
    assert press(operator, acme, given | other | {"item": item, "slug": item}).status_code == 302
    assert stored() != before


def test_a_form_with_a_fault_still_changes_its_object_when_sent_again(operator, acme):
    press(operator, acme, SUPPLIER)
    html = press(operator, acme, SUPPLIER | {"item": "beans-ltd", "url": "ftp://beans"}).content.decode()
    assert '<input type="hidden" name="item" value="beans-ltd">' in html


def test_adding_a_tenant_that_exists_leads_to_it(operator, acme):
    start = {"name": "ACME", "mode": "events", "time_zone": "UTC", "case_type": "x", "not_fetched_after_minutes": "30"}
    start["unknown_members"] = "warn"
    html = operator.post(reverse("admin:orders_tenant_add"), start).content.decode()
    link = reverse("admin:orders_tenant_onboard", args=(acme.pk,))
    assert f'acme exists already; nothing was changed. <a class="hub-link" href="{link}">' in html
    assert Tenant.objects.get().name == "Acme"
