"""A change of a live tenant is shown with what follows from it, and made only as it was shown."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from orderflow.catalogue.products import put_products
from orderflow.models import OrderFlowChannel
from orderflow.site.credentials import password_of
from orders.access.staff import OPERATOR, give_role
from orders.models import ApiClient, Delivery, Destination, OperatorAction, Retention, Tenant
from orders.onboarding.files import apply_file
from suppliers.models import Supplier
from tests.admin_fixtures import ASKED, agreed

pytestmark = pytest.mark.django_db

FILE = """
tenants:
- id: acme
  name: Acme
  mode: events
  country: dk
  api_clients: [{client_id: acme-oms, scopes: [customer-orders:read]}]
  suppliers:
  - id: beans
    name: Beans Ltd
    item_patterns: ["BEAN-*"]
    api_client: {client_id: acme-beans, scopes: [supplier-orders:read]}
    webhook: {url: "https://beans.example/hook"}
  orderflow_channels:
  - id: main
    base_url: https://wms.example/rtd2-host
    channel: MYCHANNEL
    organisation: ACME
    auth: {type: headers, username: philz, password: canary-password}
"""
GLANCES = {f"{name}-{form}_FORMS": 0 for name in ("api_clients", "destinations") for form in ("TOTAL", "INITIAL")}


@pytest.fixture
def operator(client):
    client.force_login(give_role("olga", role=OPERATOR, password="pass-of-olga").user)
    return client


@pytest.fixture
def acme(db):
    apply_file(FILE.encode(), file="acme.yaml", who="test")
    return Tenant.objects.get()


def page_of(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=(row.pk,))


def form_of(client, row, **changed):
    """What the page's form would send."""
    form = client.get(page_of(row)).context["adminform"].form
    shown = {name: form[name].value() for name in form.fields}
    inlines = GLANCES if isinstance(row, Tenant) else {}
    return (
        {name: value for name, value in shown.items() if value is not None and value is not False} | inlines | changed
    )


def asks(answer):
    html = re.sub(r"\s+", " ", answer.content.decode())
    assert ASKED.search(html), html
    assert "no-store" in answer.headers["Cache-Control"]
    return html


CASES = {
    "tenant": (Tenant, {"name": "Acme Retail"}, "name"),
    "supplier": (Supplier, {"name": "Beans & Co"}, "name"),
    "channel": (OrderFlowChannel, {"batch_size": "7"}, "batch_size"),
    "client": (ApiClient, {"scopes": ["customer-orders:read", "products:write"]}, "scopes"),
    "retention": (Retention, {"days": "20"}, "days"),
}


def row_of(model, tenant):
    if model is Retention:
        return Retention.objects.create(tenant=tenant, days=90)
    return model.objects.exclude(pk__in=Supplier.objects.values("api_client") if model is ApiClient else []).get()


@pytest.mark.parametrize("name", CASES)
def test_an_active_tenants_setting_is_changed_after_confirmation(operator, acme, name):
    model, changed, column = CASES[name]
    row = row_of(model, acme)
    before = str(getattr(row, column))
    html = asks(operator.post(page_of(row), form_of(operator, row, **changed)))
    assert f"<td>{column}</td>" in html
    row.refresh_from_db()
    assert str(getattr(row, column)) == before
    assert operator.post(page_of(row), {"agreed": ASKED.search(html)[1]}).status_code == 302
    row.refresh_from_db()
    assert str(getattr(row, column)) != before


@pytest.mark.parametrize("name", CASES)
def test_a_setting_of_a_tenant_that_is_off_is_changed_at_once(operator, acme, name):
    Tenant.objects.update(active=False)
    model, changed, column = CASES[name]
    row = row_of(model, acme)
    before = str(getattr(row, column))
    assert operator.post(page_of(row), form_of(operator, row, **changed)).status_code == 302
    row.refresh_from_db()
    assert str(getattr(row, column)) != before


def test_a_first_retention_of_a_live_tenant_asks_and_says_what_is_removed(operator, acme):
    page, form = reverse("admin:orders_retention_add"), {"tenant": acme.pk, "days": 30}
    html = asks(operator.post(page, form))
    assert "What is finished for more than 30 days is removed for good within a day." in html
    assert "retention of acme" in html
    assert not Retention.objects.exists()
    assert operator.post(page, {"agreed": ASKED.search(html)[1]}).status_code == 302
    kept = Retention.objects.get()
    assert (kept.tenant, kept.days, kept.history.get().history_change_reason) == (acme, 30, "retention page by olga")


def test_a_first_retention_of_a_tenant_that_is_off_is_stored_at_once(operator, acme):
    Tenant.objects.update(active=False)
    assert operator.post(reverse("admin:orders_retention_add"), {"tenant": acme.pk, "days": 30}).status_code == 302
    assert Retention.objects.get().days == 30


@pytest.mark.parametrize("name", CASES)
def test_a_form_that_changes_nothing_needs_no_confirmation(operator, acme, name):
    row = row_of(CASES[name][0], acme)
    assert operator.post(page_of(row), form_of(operator, row)).status_code == 302


def test_what_was_changed_meanwhile_is_not_changed_back_unseen(operator, acme):
    html = asks(operator.post(page_of(acme), form_of(operator, acme, name="Acme Retail")))
    Tenant.objects.update(name="Acme of Denmark")
    again = asks(operator.post(page_of(acme), {"agreed": ASKED.search(html)[1]}))
    assert "the settings were changed in the meantime" in again
    assert 'Acme of Denmark</td><td data-label="Then">Acme Retail</td>' in again
    assert Tenant.objects.get().name == "Acme of Denmark"
    assert operator.post(page_of(acme), {"agreed": ASKED.search(again)[1]}).status_code == 302
    assert Tenant.objects.get().name == "Acme Retail"


def test_a_confirmation_of_another_login_or_for_another_page_is_refused(client, operator, acme):
    html = asks(operator.post(page_of(acme), form_of(operator, acme, name="Acme Retail")))
    sealed = ASKED.search(html)[1]
    supplier = Supplier.objects.get()
    for path in (page_of(supplier), reverse("admin:orders_tenant_onboard", args=(acme.pk,))):
        assert "is no longer valid" in operator.post(path, {"agreed": sealed}, follow=True).content.decode()
    client.force_login(give_role("otto", role=OPERATOR, password="pass-of-otto").user)
    assert "is no longer valid" in client.post(page_of(acme), {"agreed": sealed}, follow=True).content.decode()
    assert Tenant.objects.get().name == "Acme"


def test_the_confirmation_page_shows_no_secret(operator, acme):
    channel = OrderFlowChannel.objects.get()
    html = asks(operator.post(page_of(channel), form_of(operator, channel, password="another-canary")))
    assert '<td>auth.password</td><td data-label="Now">********</td><td data-label="Then">********</td>' in html
    assert "canary" not in html
    assert password_of(channel) == "canary-password"
    operator.post(page_of(channel), {"agreed": ASKED.search(html)[1]})
    assert password_of(channel) == "another-canary"


def test_staff_of_one_tenant_do_not_say_where_its_order_service_is(operator, acme):
    """The external URL counts as leave to reach a private network there."""
    Tenant.objects.update(mode="proxy", external_url="https://oms.example.com")
    acme.refresh_from_db()
    assert form_of(operator, acme)["external_url"] == "https://oms.example.com"
    operator.force_login(give_role("anna", role=OPERATOR, tenant=acme, password="pass-of-anna").user)
    form = form_of(operator, acme, name="Acme Retail")
    assert "external_url" not in form
    assert agreed(operator, page_of(acme), {**form, "external_url": "https://10.0.0.1/"}).status_code == 302
    stored = Tenant.objects.get()
    assert (stored.name, stored.external_url) == ("Acme Retail", "https://oms.example.com")


def test_the_effects_of_stopping_a_supplier_are_shown(operator, acme):
    supplier = Supplier.objects.get()
    form = {name: value for name, value in form_of(operator, supplier).items() if name != "active"}
    html = asks(operator.post(page_of(supplier), form))
    assert "Beans Ltd gets no token and no events until it is switched on again. It keeps its open lines" in html
    assert (
        '<td>API client acme-beans</td><td>active</td><td data-label="Now">true</td><td data-label="Then">false</td>'
        in html
    )
    assert agreed(operator, page_of(supplier), form).status_code == 302
    assert (Supplier.objects.get().active, Destination.objects.get(channel="supplier").active) == (False, False)
    client = ApiClient.objects.get(client_id="acme-beans")
    assert client.active is False
    refused = operator.post(page_of(client), form_of(operator, client, active="on")).content.decode()
    assert "Its supplier Beans Ltd is switched off; switch the supplier on, and its client with it." in refused
    assert ApiClient.objects.get(client_id="acme-beans").active is False


def test_the_confirmation_says_that_products_written_otherwise_are_sent_again(operator, acme):
    channel = OrderFlowChannel.objects.get()
    put_products(channel, {"A": {"description": "Green"}})
    text = FILE.replace("    auth:", "    product_scope: organisation\n    auth:")
    html = upload(operator, text)
    assert "1 product is sent to main again, with the new settings." in html
    assert Delivery.objects.count() == 1


def test_a_moment_to_notify_from_is_on_record(operator, acme):
    moment = {"tells_from_0": "2026-11-01", "tells_from_1": "08:00:00"}
    html = asks(operator.post(page_of(acme), form_of(operator, acme, **moment)))
    assert "Suppliers and warehouses are notified only of orders received from that moment on." in html
    assert '<td>tells_from</td><td data-label="Now">none</td><td data-label="Then">2026-11-01 08:00:00 UTC</td>' in html
    operator.post(page_of(acme), {"agreed": ASKED.search(html)[1]})
    assert (OperatorAction.objects.get().action, OperatorAction.objects.get().who) == ("notify from", "olga")


def test_a_fault_that_only_the_service_finds_stands_beside_its_field(operator, acme):
    channel = OrderFlowChannel.objects.get()
    html = operator.post(page_of(channel), form_of(operator, channel, auth_type="basic", username="a:b"))
    assert "which Basic authentication cannot carry" in html.content.decode()
    supplier = Supplier.objects.get()
    html = operator.post(page_of(supplier), form_of(operator, supplier, name="Beans\x7f")).content.decode()
    assert "must be a text of 1 to 200 characters without control characters" in html
    assert (OrderFlowChannel.objects.get().username, Supplier.objects.get().name) == ("philz", "Beans Ltd")


def test_the_guided_page_asks_for_confirmation_before_it_adds_to_an_active_tenant(operator, acme):
    page = reverse("admin:orders_tenant_onboard", args=(acme.pk,))
    given = {"client_id": "acme-pos", "scopes": ["customer-orders:read"], "do": "save:clients"}
    html = asks(operator.post(page, given))
    assert "client_secret of API client acme-pos" in html
    assert not ApiClient.objects.filter(client_id="acme-pos").exists()
    done = operator.post(page, {"agreed": ASKED.search(html)[1]}).content.decode()
    assert "shown only once" in done
    assert ApiClient.objects.filter(client_id="acme-pos").exists()


def upload(operator, text):
    page = reverse("admin:orders_tenant_onboarding_file")
    return operator.post(page, {"file": SimpleUploadedFile("acme.yaml", text.encode())}).content.decode()


def test_a_mode_switched_after_the_preview_of_a_file_is_not_switched_back_unseen(operator, acme):
    page = reverse("admin:orders_tenant_onboarding_file")
    html = upload(operator, FILE.replace("name: Acme", "name: Acme Retail"))
    Tenant.objects.update(mode="proxy", external_url="https://oms.example.com")
    sealed = re.search(r'name="sealed" value="([^"]+)"', html)[1]
    again = operator.post(page, {"sealed": sealed}).content.decode()
    assert "the settings were changed in the meantime" in again
    assert '<td>mode</td><td data-label="Now">proxy</td><td data-label="In the file">events</td>' in again
    assert (Tenant.objects.get().name, Tenant.objects.get().mode) == ("Acme", "proxy")
    operator.post(page, {"sealed": re.search(r'name="sealed" value="([^"]+)"', again)[1]})
    assert (Tenant.objects.get().name, Tenant.objects.get().mode) == ("Acme Retail", "events")


def test_the_effects_of_a_file_that_switches_the_mode_are_shown(operator, acme):
    Tenant.objects.update(external_url="https://oms.example.com")
    text = FILE.replace("mode: events", "mode: proxy\n  external_url: https://oms.example.com")
    html = upload(operator, text)
    assert "Suppliers and warehouses are not notified of new orders." in html
    assert "Ceases to answer:" in html
