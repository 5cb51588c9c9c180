"""Empty, not found, not allowed and failed are pages too: each says what to do next, and programs get their problem."""

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse

from orders.access.staff import SUPPORT, give_role
from orders.models import Order, Tenant

pytestmark = [pytest.mark.django_db, pytest.mark.both]

BROWSER = {"headers": {"accept": "text/html,application/xhtml+xml;q=0.9"}}


@pytest.mark.parametrize("path", ["/admin/nothing/", "/admin/orders/order/story/?tenant=acme&unit=u&order=none"])
def test_what_is_not_there_leads_home_and_to_the_search(root, engine, path):
    page = root.get(path, **BROWSER)
    assert page.status_code == 404
    html = page.content.decode()
    assert "There is no such page" in html
    assert f'href="{reverse("admin:orders_order_find")}"' in html
    assert "Correlation id " in html


def test_a_program_still_gets_a_problem(root):
    assert root.get("/admin/nothing/").headers["Content-Type"] == "application/problem+json"
    assert root.get("/nothing", **BROWSER).headers["Content-Type"] == "application/problem+json"


def test_what_is_not_allowed_names_whom_to_ask(client):
    client.force_login(give_role("sue", role=SUPPORT, password="a long enough password 1").user)
    page = client.get(reverse("admin:orders_tenant_onboarding_file"), **BROWSER)
    assert page.status_code == 403
    assert "ask a superuser to change your role" in page.content.decode()


def test_a_fault_of_ours_is_a_page_with_the_id_to_tell(root, monkeypatch):
    monkeypatch.setattr("orders.admin.orders.find.find_orders", None)
    client = Client(raise_request_exception=False)
    client.cookies = root.cookies
    page = client.get(f"{reverse('admin:orders_order_find')}?q=1", **BROWSER)
    assert page.status_code == 500
    assert "report the correlation id below to those who run the hub" in page.content.decode()


def test_every_empty_list_says_where_its_rows_come_from(root):
    for model, its in admin.site._registry.items():
        if model._default_manager.exists():
            continue
        html = root.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")).content.decode()
        assert "Nothing yet" in html, model
        assert its.empty_words.replace("'", "&#x27;") in html, model
        assert "Create a new item" not in html


def test_a_list_that_a_search_emptied_leads_back_to_all(root, engine):
    engine.put()
    engine.drain()
    assert Order.objects.exists()
    html = root.get(reverse("admin:orders_order_changelist"), {"q": "nobody's"}).content.decode()
    assert "No results" in html
    assert ">Show all</a>" in html


def test_the_admin_tells_nobody_by_an_address_which_rows_exist(client, django_user_model, db):
    client.force_login(django_user_model.objects.create_superuser("ada"))
    kind = ContentType.objects.get_for_model(Tenant)
    tenant = Tenant.objects.create(slug="acme", name="Acme", mode="events")
    for pk in (tenant.pk, 999_999):
        assert client.get(f"/admin/r/{kind.pk}/{pk}/").status_code == 404
