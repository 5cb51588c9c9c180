"""Every page of the admin opens, shows no secret and nothing unescaped; evidence cannot be edited by anybody."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from orders.admin.base import EvidenceAdmin, HistoryAdmin, HubAdmin
from tests.admin_fixtures import EVIL, SECRET
from tests.orders.roles_rows import one_of_every_model

pytestmark = pytest.mark.django_db

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
OURS = ("orders", "proxy", "suppliers", "orderflow", "auth")


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def checked(response, status=200):
    assert response.status_code == status
    html = response.content.decode()
    assert SECRET not in html
    assert EVIL not in html
    return html


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_every_page_opens_for_a_superuser(model, root, furnished):
    checked(root.get(page(model, "changelist")))
    checked(root.get(page(model, "changelist"), {"q": "nothing-like-this"}))
    may_add = admin.site._registry[model].has_add_permission(root.get("/admin/").wsgi_request)
    checked(root.get(page(model, "add")), 200 if may_add else 403)
    for row in model._default_manager.all()[:6]:
        checked(root.get(page(model, "change", row.pk)))
        checked(root.get(page(model, "history", row.pk)))


def test_a_version_offers_no_button_that_leads_nowhere(root, furnished):
    """The theme makes a button without an address a menu, which a browser then misses."""
    rows, versions = one_of_every_model(furnished.tenant), 0
    for model, its in admin.site._registry.items():
        if isinstance(its, HistoryAdmin):
            rows[model].save()
            version = rows[model].history.latest()
            html = checked(root.get(page(model, "simple_history", rows[model].pk, version.pk)))
            assert "actionDropdownOpen" not in html
            assert f'href="{page(model, "history", rows[model].pk)}"' in html
            versions += 1
    assert versions > 5


def test_every_registered_admin_is_built_on_the_common_base():
    strangers = [model._meta.label for model, its in admin.site._registry.items() if not isinstance(its, HubAdmin)]
    assert strangers == []
    assert {model._meta.app_label for model in REGISTERED} <= set(OURS)


@pytest.mark.parametrize("label", ["orders.Secret", "orders.Lane", "orders.OrderQueue", "oauth2_provider.AccessToken"])
def test_what_nobody_should_read_has_no_page(label):
    assert not admin.site.is_registered(apps.get_model(label))


@pytest.mark.parametrize(
    "model", [m for m in REGISTERED if isinstance(admin.site._registry[m], EvidenceAdmin)], ids=lambda m: m._meta.label
)
def test_evidence_cannot_be_added_changed_or_deleted(model, root, furnished):
    row = model._default_manager.first()
    assert root.post(page(model, "add"), {}).status_code == 403
    if row is not None:
        assert root.post(page(model, "change", row.pk), {"status": "applied"}).status_code == 403
        assert root.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        root.post(page(model, "changelist"), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
        assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("name", ["order", "orderevent", "delivery", "timelineentry", "operatoraction"])
def test_a_list_of_evidence_never_counts_its_table(name, root, furnished, django_assert_max_num_queries):
    with django_assert_max_num_queries(14) as queries:
        root.get(reverse(f"admin:orders_{name}_changelist"))
    table = f'FROM "orders_{name}"'
    assert [one["sql"] for one in queries if "COUNT(" in one["sql"] and one["sql"].endswith(table)] == []
    assert [one["sql"] for one in queries if "payload" in one["sql"] or '"document"' in one["sql"]] == []


def test_an_order_shows_its_document_and_its_timeline(root, furnished):
    html = checked(root.get(reverse("admin:orders_order_change", args=(furnished.queue().pk,))))
    assert "&quot;unitPrice&quot;: 19.90" in html
    assert "Event 1 applied" in html
    assert "Nobody notified: no supplier or warehouse is concerned" in html
    assert "1 try, 35 ms: &lt;script&gt;" in html


@pytest.mark.parametrize("name", ["order", "orderevent", "delivery", "destination", "tenant", "apiclient"])
def test_a_tenant_admin_sees_nothing_of_another_tenant(name, bound, furnished):
    model = apps.get_model("orders", name)
    html = checked(bound.get(page(model, "changelist")))
    assert "acme" not in html.lower()
    row = model._default_manager.filter(
        **({"slug": "acme"} if name == "tenant" else {"tenant": furnished.tenant})
    ).first()
    assert bound.get(page(model, "change", row.pk)).status_code in (302, 403)
    assert bound.get(page(model, "history", row.pk)).status_code in (302, 403, 404)


def test_a_tenant_admin_finds_no_order_of_another_tenant(bound, furnished):
    assert "Nothing found" in checked(bound.get(reverse("admin:orders_order_find"), {"q": "1001"}))
    story = bound.get(reverse("admin:orders_order_timeline"), {"tenant": "acme", "unit": "store-1", "order": "1001"})
    assert story.status_code == 404
    assert "acme" not in checked(bound.get("/admin/")).lower()


def test_a_tenant_admin_without_a_tenant_sees_nothing(bound, furnished):
    from orders.models import StaffTenant

    StaffTenant.objects.all().delete()
    assert "1001" not in checked(bound.get(reverse("admin:orders_order_changelist")))


def test_support_sees_and_cannot_act(client, furnished):
    from orders.access.staff import SUPPORT, give_role

    client.force_login(give_role("sue", role=SUPPORT, password="pass-of-sue").user)
    assert "Retry" not in checked(client.get(reverse("admin:orders_orderevent_change", args=(furnished.dead.pk,))))
    for model, verb, pk in (
        ("orderevent", "retry_one", furnished.dead.pk),
        ("destination", "pause", furnished.beans.pk),
    ):
        assert client.post(reverse(f"admin:orders_{model}_{verb}", args=(pk,)), {"reason": "x"}).status_code == 403
    chosen = {"action": "retry_dead", "_selected_action": str(furnished.dead.pk), "apply": "1", "reason": "x"}
    client.post(reverse("admin:orders_orderevent_changelist"), chosen)
    furnished.dead.refresh_from_db()
    assert furnished.dead.status == "dead"
