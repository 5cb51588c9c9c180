"""The onboarding file in the admin: preview before anything is stored, faults by line and key, secrets never shown."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from orders.access.staff import OPERATOR, SUPPORT, give_role
from orders.admin.onboarding import files
from orders.models import ApiClient, Tenant

pytestmark = pytest.mark.django_db

FILE = """tenants:
  - id: acme
    name: Acme <b>Retail
    mode: events
    api_clients:
      - {client_id: acme-pos, client_secret: "secret-of-the-till-0123456789", scopes: [customer-orders:read]}
      - {client_id: acme-oms, scopes: [customer-orders:read]}
"""


@pytest.fixture
def page():
    return reverse("admin:orders_tenant_onboarding_file")


@pytest.fixture
def operator(client):
    client.force_login(give_role("olga", role=OPERATOR, password="pass-of-olga").user)
    return client


def upload(client, page, text):
    file = SimpleUploadedFile("acme.yaml", text if isinstance(text, bytes) else text.encode())
    response = client.post(page, {"file": file})
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    return response.content.decode()


def sealed_in(html):
    return re.search(r'name="sealed" value="([^"]+)"', html)[1]


def test_a_file_is_previewed_and_then_applied(operator, page):
    html = upload(operator, page, FILE)
    assert "3 created, 0 changed" in html
    assert "<b>Retail" not in html
    assert "secret-of-the-till" not in html
    assert "client_secret of API client acme-oms" in html
    assert not Tenant.objects.exists()
    done = operator.post(page, {"sealed": sealed_in(html)}).content.decode()
    assert ApiClient.objects.count() == 2
    assert "secret-of-the-till" not in done
    assert "shown only once" in done
    assert re.search(r'id="made-1">[^<]{40,}<', done)
    assert Tenant.objects.get().history.first().history_change_reason == "onboarding by olga"


def test_the_preview_says_what_differs(operator, page):
    operator.post(page, {"sealed": sealed_in(upload(operator, page, FILE))})
    changed = FILE.replace("Acme <b>Retail", "Acme").replace(
        "secret-of-the-till-0123456789", "another-secret-0123456789"
    )
    html = upload(operator, page, changed)
    assert "2 changed" in html
    assert "Acme &lt;b&gt;Retail" in html
    assert "********" in html
    assert "another-secret" not in html
    assert Tenant.objects.get().name == "Acme <b>Retail"


def test_faults_are_reported_by_line_and_key_and_store_nothing(operator, page):
    html = upload(
        operator,
        page,
        FILE.replace("mode: events", "mode: sometimes").replace("scopes: [customer-orders:read]}", "scope: x}", 1),
    )
    assert "<td>4</td><td><code>tenants[0].mode</code></td>" in html
    assert "tenants[0].api_clients[0].scope" in html
    assert 'name="sealed"' not in html
    assert not Tenant.objects.exists()


def test_an_upload_is_bounded(operator, page, monkeypatch):
    monkeypatch.setattr(files, "UPLOAD_BYTES", 1024)
    html = upload(operator, page, FILE + "#" * 2_000)
    assert "up to 1 KB are accepted here" in html
    assert "Choose a file first." in operator.post(page, {}).content.decode()


def test_a_preview_of_another_login_or_a_changed_one_is_not_applied(client, operator, page):
    sealed = sealed_in(upload(operator, page, FILE))
    assert "is no longer valid" in operator.post(page, {"sealed": sealed[:-8] + "AAAAAAA="}).content.decode()
    client.force_login(give_role("otto", role=OPERATOR, password="pass-of-otto").user)
    assert "is no longer valid" in client.post(page, {"sealed": sealed}).content.decode()
    assert not Tenant.objects.exists()


def test_an_export_applied_again_changes_nothing(operator, page):
    operator.post(page, {"sealed": sealed_in(upload(operator, page, FILE))})
    tenant = Tenant.objects.get()
    answer = operator.get(reverse("admin:orders_tenant_export", args=(tenant.pk,)))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme.yaml"'
    text = answer.content.decode()
    assert "********" in text
    assert "secret-of-the-till" not in text
    assert "Nothing differs from what is stored." in upload(operator, page, text)


def test_support_exports_and_uploads_nothing(client, page):
    tenant = Tenant.objects.create(slug="acme", name="Acme", mode="events")
    client.force_login(give_role("sue", role=SUPPORT, password="pass-of-sue").user)
    assert client.get(reverse("admin:orders_tenant_export", args=(tenant.pk,))).status_code == 200
    assert client.get(page).status_code == 403
    assert client.post(page, {"file": SimpleUploadedFile("a.yaml", FILE.encode())}).status_code == 403


@pytest.mark.parametrize("name", ["ONBOARD_TILL_SECRET", "HUB_SECRET_KEY", "PATH"])
def test_an_uploaded_file_reads_no_environment(operator, page, monkeypatch, name):
    monkeypatch.setenv(name, "value-of-the-environment")
    html = upload(operator, page, FILE.replace("secret-of-the-till-0123456789", f"${{{name}}}"))
    assert "only manage.py onboard reads the environment" in html
    assert 'name="sealed"' not in html
    assert not Tenant.objects.exists()


@pytest.mark.parametrize(
    "text",
    [b"tenants: [" + b"a," * 250_000 + b"]", b"tenants:\n" + b"- a\n" * 125_000, b"tenants:\r" + b"- a\r" * 125_000,
     b"tenants: " + b"[" * 500_000, b"tenants: {" + b"?a:" * 160_000],
    ids=["items", "lines", "old lines", "brackets", "keys"],
)  # fmt: skip
def test_an_upload_of_more_values_than_a_page_may_read_is_refused_unread(operator, page, monkeypatch, text):
    monkeypatch.setattr(files, "apply_file", lambda *_, **__: pytest.fail("read"))
    assert "too many values to be read here" in upload(operator, page, text)
