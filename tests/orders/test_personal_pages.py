"""Support reads every page and never a personal value; operators read them all."""

import io
import re
import zipfile

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import URLResolver, reverse

from orders.access.staff import give_role
from orders.dead_letters.causes import cause_of
from orders.masking.known_values import masker_of
from orders.models import Delivery, Order, OrderEvent, SelfTest
from suppliers.models import SupplierEvent, SupplierPart
from tests.orderflow.conftest import add_channel  # noqa: F401
from tests.orders.personal_scene import canaries, scene  # noqa: F401
from tests.suppliers.conftest import add_supplier, tenant  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 12
QUOTING = {
    "road": "warehouses", "step": "login", "outcome": "failed", "next_step": "", "ms": 3,
    "detail": "It answered: ask zqvex1mail@vault.example of order 1001",
}  # fmt: skip
"""A line of a self-test in which a partner names somebody."""
QUESTIONS = ("", "?q=1001", "?status=dead", "?tenant=acme&unit=store-1&order=1001")


def signed_in(role, tenant=None):
    client = Client()
    client.force_login(give_role(role, role=role, tenant=tenant, password="a long enough password 1").user)
    return client


def routes(patterns, prefix=""):
    for one in patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, route)
        else:
            yield route


def asked():
    """Addresses that take more than a row's id."""
    dead = "/admin/orders/repairrun/dead"
    for event in OrderEvent.objects.all():
        yield f"/admin/orders/order/part/?subject=event:{event.pk}"
        yield f"{dead}/events/{cause_of(event.error)}/?try=all"
    for one in Delivery.objects.select_related("destination"):
        yield f"/admin/orders/order/part/?subject=delivery:{one.pk}"
        yield f"{dead}/{one.destination.channel}/{cause_of(one.error)}/?try=all"
    run = SelfTest.objects.create(tenant=Order.objects.first().tenant, who="maria", ms=1, failed=1, lines=[QUOTING])
    yield from (f"/admin/orders/selftest/{run.pk}/report.{form}" for form in ("txt", "html", "json"))
    yield from ("/admin/changes/", f"/admin/orders/selftest/{run.pk}/change/")


def pages():
    """Every address of the admin: those of a row for rows of its model, the others with several questions."""
    models = {f"{m._meta.app_label}/{m._meta.model_name}/": m for m in admin.site._registry}
    found = set()
    for route in routes(admin.site.get_urls()):
        if "logout" in route:
            continue
        model = next((m for start, m in models.items() if route.startswith(start)), None)
        if "<" not in route and "(?P" not in route:
            extra = [f"?tenant={Order.objects.first().tenant_id}&unit=store-1&order=1001"]
            found |= {f"/admin/{route}{question}" for question in (*QUESTIONS, *extra)}
        elif model is not None:
            pks = model._default_manager.order_by("pk").values_list("pk", flat=True)[:ROWS]
            found |= {f"/admin/{re.sub('<[^>]+>', str(pk), route, count=1)}" for pk in pks}
    return sorted({*found, *asked()})


def content(response):
    data = b"".join(response.streaming_content) if response.streaming else response.content
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return b"".join(archive.read(name) for name in archive.namelist())
    return data


def test_support_meets_no_personal_value_on_any_page(scene):
    support, leaks, opened = signed_in("support"), {}, 0
    for page in pages():
        response = support.get(page)
        opened += response.status_code == 200
        if found := canaries(content(response)):
            leaks[page] = found
    assert leaks == {}
    assert opened > 100


def test_support_meets_none_in_answers_to_what_it_posts(scene, monkeypatch):
    monkeypatch.setattr(
        "orderflow.admin.warehouse_orders.ask", lambda place: "It holds it for Zqvex1anna Wvtol1larsson."
    )
    support = signed_in("support")
    for name in ("orders_order", "orders_orderevent", "orders_delivery", "orderflow_warehouseorder"):
        model_admin = next(a for m, a in admin.site._registry.items() if m._meta.label_lower.replace(".", "_") == name)
        rows = [str(pk) for pk in model_admin.model._default_manager.values_list("pk", flat=True)[:5]]
        for action in ("erase_customers", "retry_dead", "discard_dead", "send_failed_again"):
            answer = support.post(reverse(f"admin:{name}_changelist"), {"action": action, "_selected_action": rows})
            assert canaries(answer.content) == set()
    key = scene.key("1001")
    asked = support.post(f"{reverse('admin:orderflow_warehouseorder_warehouses')}?tenant={key.tenant_id}"
                         f"&unit=store-1&order=1001", {"ask": "1"})  # fmt: skip
    assert asked.status_code == 200
    assert b"It holds it for (masked)." in asked.content
    assert canaries(asked.content) == set()


@pytest.mark.parametrize("role", ["operator", "tenant-admin", "superuser"])
def test_who_may_see_them_sees_them(scene, tenant, role):
    client = signed_in(role, tenant if role == "tenant-admin" else None)
    order, event = Order.objects.get(customer_order_id="1001"), OrderEvent.objects.get(status="dead")
    hook = Delivery.objects.get(kind="order_created", lane__customer_order_id="1001")
    imported = Delivery.objects.get(kind="import", lane__customer_order_id="1001")
    told = SupplierEvent.objects.first()
    for name, row in (("orders_order", order), ("orders_orderevent", event), ("orders_delivery", hook),
                      ("orders_delivery", imported), ("suppliers_supplierevent", told),
                      ("suppliers_supplierpart", SupplierPart.objects.get(customer_order_id="1001"))):  # fmt: skip
        page = client.get(reverse(f"admin:{name}_change", args=(row.pk,)))
        assert canaries(page.content), name


def test_a_login_without_the_permission_sees_what_is_masked(scene):
    order = Order.objects.get(customer_order_id="1001")
    page = signed_in("support").get(reverse("admin:orders_order_change", args=(order.pk,))).content.decode()
    assert "(masked)" in page
    assert "c-1" in page
    assert order.document == Order.objects.get(pk=order.pk).document


def test_values_are_known_from_the_document_when_the_events_are_removed(scene):
    OrderEvent.objects.filter(queue__customer_order_id="1001").delete()
    assert masker_of(scene.key("1001")).text("told Zqvex1anna Wvtol1larsson so") == "told (masked) so"


def test_what_is_masked_cannot_be_asked_for_by_filter_or_order(scene):
    support, operator = signed_in("support"), signed_in("operator")
    for name, column in (("orders_order", "document"), ("orders_orderevent", "payload"), ("orders_orderevent", "error"),
                         ("orders_delivery", "payload"), ("suppliers_supplierevent", "body"),
                         ("orderflow_warehouseorder", "failure"), ("orders_timelineentry", "detail")):  # fmt: skip
        page = f"{reverse(f'admin:{name}_changelist')}?{column}__contains=Zqvex1"
        assert support.get(page).status_code in (302, 400), name
        assert operator.get(page).status_code == 400, name
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="support")
    for model_admin in admin.site._registry.values():
        hidden = set(getattr(model_admin, "personal", ()))
        assert not hidden & set(model_admin.get_sortable_by(request))
        assert not hidden & {field.lstrip("=^@") for field in model_admin.search_fields or ()}


def test_an_answer_to_several_orders_tells_no_order_of_anothers_customer(scene):
    operator = signed_in("operator")
    first = Delivery.objects.get(kind="import", lane__customer_order_id="1001")
    page = operator.get(reverse("admin:orders_delivery_change", args=(first.pk,))).content
    assert b"Zqvex1gatan" in page
    assert not [one for one in canaries(page) if re.search(rb"(zqvex|wvtol)2", one, re.I)]
