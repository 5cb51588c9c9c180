"""Who changed what: every configuration model keeps its history, with the person, field by field, without secrets."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from orders.access.clients import ClientEntry, rotate_secret, save_client
from orders.access.staff import OPERATOR, give_role
from orders.models import ApiClient, Tenant
from orders.onboarding.files import apply_file
from orders.outbox import destination_health
from tests.admin_fixtures import agreed
from tests.orders.test_roles_pages import CHANGE_FORMS, FORMS

pytestmark = pytest.mark.django_db

CANARY = "canary-secret-0123456789-abcdefgh"
NO_SECRETS = {
    "orders.HistoricalApiClient.hash_client_secret",
    "orders.HistoricalApiClient.previous_secret_until",
    "suppliers.HistoricalWebhook.previous_secret_until",
}
"""Columns that are called so and hold none."""
CONFIGURATION = sorted(FORMS | CHANGE_FORMS | {"suppliers.Webhook", "proxy.ProxyConfig", "orders.Destination"})


@pytest.mark.parametrize("label", CONFIGURATION)
def test_every_configuration_model_keeps_its_history(label):
    assert hasattr(apps.get_model(label), "history"), f"give {label} a HistoricalRecords"


def test_a_change_in_a_form_names_who_and_from_what_to_what(client, furnished):
    client.force_login(give_role("olga", role=OPERATOR, password="a-long-password").user)
    page = reverse("admin:orders_tenant_change", args=(furnished.tenant.pk,))
    form = client.get(page).context["adminform"].form
    values = {name: form[name].value() or "" for name in form.fields}
    counts = ("TOTAL_FORMS", "INITIAL_FORMS")
    inlines = {f"{prefix}-{count}": 0 for prefix in ("api_clients", "destinations") for count in counts}
    assert agreed(client, page, values | inlines | {"name": "Acme <b>Ltd</b>"}).status_code == 302
    html = client.get("/admin/changes/").content.decode()
    assert "olga" in html
    assert f"<del>{furnished.tenant.name}</del> → <ins>Acme &lt;b&gt;Ltd&lt;/b&gt;</ins>" in html
    assert "<b>Ltd" not in html


def test_a_change_by_file_names_who_applied_it(root, furnished):
    text = f"tenants:\n  - id: {furnished.tenant.slug}\n    name: By File\n    mode: events\n"
    apply_file(text.encode(), file="acme.yaml", who="maria on the command line")
    html = root.get("/admin/changes/").content.decode()
    assert "maria on the command line" in html
    assert "<ins>By File</ins>" in html


def test_no_secret_is_in_any_history_or_on_the_page(root, furnished):
    entry = ClientEntry(client_id="canary-client", scopes=["customer-orders:read"], client_secret=CANARY)
    made = save_client(furnished.tenant, entry).client
    fresh = rotate_secret(made)
    stored = ApiClient.objects.get(pk=made.pk)
    secrets = [CANARY, fresh, stored.client_secret, stored.previous_client_secret]
    assert all(secrets)
    html = root.get("/admin/changes/").content.decode()
    kept = "".join(str(list(model.history.values())) for model in admin.site._registry if hasattr(model, "history"))
    assert "canary-client" in html
    assert "canary-client" in kept
    for secret in secrets:
        assert secret not in html
        assert secret not in kept


def test_no_history_has_a_column_for_a_secret():
    models = [model.history.model for model in apps.get_models() if hasattr(model, "history")]
    words = ("password", "secret", "sealed", "token")
    named = [f"{m._meta.label}.{f.name}" for m in models for f in m._meta.fields if any(w in f.name for w in words)]
    assert set(named) == NO_SECRETS


def test_a_tenant_admin_reads_its_own_changes_only(bound, furnished):
    furnished.tenant.name = "Canary of Acme"
    furnished.tenant.save()
    bolt = Tenant.objects.get(slug="bolt")
    bolt.name = "Bolt Two"
    bolt.save()
    for query in ("", "?of=acme"):
        html = bound.get(f"/admin/changes/{query}").content.decode()
        assert "Bolt Two" in html
        assert "acme" not in html.lower()


def test_logins_are_on_the_page_for_superusers_only(root, client, furnished):
    give_role("sam", role="support", password="a-long-password", who="maria")
    assert "login sam" in root.get("/admin/changes/").content.decode()
    client.force_login(give_role("olga", role=OPERATOR, password="a-long-password").user)
    assert "login sam" not in client.get("/admin/changes/").content.decode()


def test_older_changes_follow_on_the_next_page(root, furnished):
    for number in range(60):
        furnished.tenant.name = f"Name {number}"
        furnished.tenant.save()
    first = root.get("/admin/changes/?of=acme")
    assert "<ins>Name 59</ins>" in first.content.decode()
    assert "<ins>Name 3</ins>" not in first.content.decode()
    older = root.get("/admin/changes/", {"of": "acme", "before": first.context["older"]})
    assert "<ins>Name 3</ins>" in older.content.decode()
    assert root.get("/admin/changes/?before=yesterday").status_code == 200


def test_health_is_no_change_of_settings(furnished):
    beans = furnished.beans
    before = beans.history.count()
    destination_health.pause(beans, who="maria", reason="because")
    assert beans.history.count() == before
    beans.concurrency = 9
    beans.save()
    assert beans.history.count() == before + 1
