"""Every page of the admin and every button, for everybody: the exact answer.

Pages are read from the URL configuration and models from ``admin.site``, so a new one falls under this by itself. What
the tables do not know fails with a message that says what to add. Everybody is asked about rows of the tenant acme.
"""

from functools import partial

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from orders.access.staff import OPERATOR, SUPPORT, TENANT_ADMIN, give_role
from orders.admin.base import HistoryAdmin
from orders.models import Order, OrderEvent, Tenant
from tests.orders.roles_rows import one_of_every_model

pytestmark = pytest.mark.django_db

PEOPLE_AT_WORK = ("anonymous", "operator", "support", "own", "other", "superuser")
"""``own`` is a tenant-admin of acme, ``other`` one of another tenant."""
LOOK_ONLY = ("support", "own", "other")


def answers(get, post=""):
    """Statuses in the order of PEOPLE_AT_WORK: to GET, and to an empty POST."""
    return {"get": tuple(map(int, get.split())), "post": tuple(map(int, (post or get).split()))}


#                   anonymous, operator, support, own, other, superuser
ALL = answers("302 200 200 200 200 200")
ALL_GET = answers("302 200 200 200 200 200", "302 405 405 405 405 405")
NOBODY = answers("302 403 403 403 403 403")
SUPERUSER = answers("302 403 403 403 403 200")
MADE = answers("302 200 403 403 403 200")
CHANGED = answers("302 200 200 200 302 200", "302 200 403 403 403 200")
LOOKED_AT = answers("302 200 200 200 302 200", "302 403 403 403 403 403")
HISTORY = answers("302 200 200 200 302 200")
VERSIONS = answers("302 200 200 200 403 200")
VERSION = answers("302 200 200 200 403 200", "302 403 403 403 403 403")
VERB = answers("302 200 403 403 403 200")
"""Says what it does; an empty POST lacks the reason, or shows what came of it."""
OF_A_CUTOVER = answers("302 405 405 405 403 405", "302 302 403 403 403 302")
"""A form on the cut-over page of a tenant: POST does it and goes back to the page."""
VERB_AND_BACK = answers("302 200 403 403 403 200", "302 302 403 403 403 302")
"""Says what it does, does it on POST, goes back."""
OF_A_TENANT = answers("302 200 200 200 404 200")
SUPERUSERS_SEE = answers("302 403 403 403 403 200", "302 403 403 403 403 403")

FORMS = {
    "orders.Tenant", "orders.ApiClient", "orders.Retention", "orders.AlertRule", "orderflow.Product",
}  # fmt: skip
"""Settings that operators make and change in a form. Deleted by nobody, save for what PAGES says."""
CHANGE_FORMS = {"suppliers.Supplier", "orderflow.OrderFlowChannel"}
"""Settings that are made in the onboarding file and changed in a form."""
EVIDENCE = {
    "orders.Order", "orders.OrderEvent", "orders.Delivery", "orders.Destination", "orders.TimelineEntry",
    "orders.OperatorAction", "proxy.ProxyConfig", "proxy.ContractDrift", "suppliers.Webhook", "suppliers.SupplierPart",
    "suppliers.Notice", "suppliers.SupplierEvent", "suppliers.StockLevel", "suppliers.OrderCase",
    "orderflow.WarehouseOrder", "orderflow.Despatch", "orders.SelfTest", "orders.RepairRun",
    "orders.Difference", "orders.IgnoredMember", "orders.Incident", "orders.UnknownContent",
}  # fmt: skip
"""Written by the hub: seen, some with verbs; no form for anybody."""
PEOPLE = {"auth.User", "auth.Group", "orders.StaffChange"}
"""Logins and roles: superusers only."""

OF_FORMS = {"changelist": ALL, "add": MADE, "change": CHANGED, "delete": NOBODY, "history": HISTORY}
OF_EVIDENCE = OF_FORMS | {"add": NOBODY, "change": LOOKED_AT}
OF_PEOPLE = dict.fromkeys(OF_FORMS, SUPERUSER) | {"history": answers("302 403 403 302 302 200")}

PAGES = {
    "index": ALL, "search": ALL, "password_change": ALL, "password_change_done": ALL_GET, "jsi18n": ALL_GET,
    "login": answers("200 302 302 302 302 302", "200 200 200 200 200 200"),
    "logout": answers("302 405 405 405 405 405", "302 200 200 200 200 200"),
    "second_step": answers("302 302 302 302 302 302"),
    "second_step_set_up": ALL,
    "changes": ALL,
    "autocomplete": answers("302 403 403 403 403 403", "302 405 405 405 405 405"),
    "view_on_site": answers("302 404 404 404 404 404"),
    "app_list": ALL,
    "auth_user_password_change": SUPERUSER,
    "auth_user_unlock": answers("302 403 403 403 403 200", "302 403 403 403 403 302"),
    "auth_user_reset_second_step": answers("302 403 403 403 403 200", "302 403 403 403 403 302"),
    "auth_group_change": SUPERUSERS_SEE, "auth_group_delete": NOBODY,
    "orders_staffchange_add": NOBODY, "orders_staffchange_change": SUPERUSERS_SEE, "orders_staffchange_delete": NOBODY,
    "orders_apiclient_rotate": VERB,
    "orders_alertrule_test_alert": VERB, "orders_alertrule_new_signing_secret": VERB,
    "orders_order_find": ALL, "orders_order_timeline": OF_A_TENANT, "orders_order_part": VERSIONS,
    "orders_orderevent_retry_one": VERB, "orders_orderevent_discard_one": VERB,
    "orders_delivery_retry_one": VERB, "orders_delivery_discard_one": VERB,
    "orders_destination_pause": VERB,
    "orders_destination_resume": VERB_AND_BACK, "orders_destination_probe": VERB_AND_BACK,
    "orders_retention_delete": SUPERUSER,
    "orders_tenant_onboarding_file": MADE,
    "orders_tenant_onboard": answers("302 200 200 200 403 200", "302 302 403 403 403 302"),
    "orders_tenant_self_test": VERB_AND_BACK,
    "orders_tenant_switch_active": VERB, "orders_tenant_switch_mode": VERB,
    "orders_tenant_export": VERSIONS,
    "orders_tenant_cutover_all": ALL, "orders_tenant_cutover": VERSIONS, "orders_tenant_cutover_missing": VERSIONS,
    "orders_tenant_cutover_orders": OF_A_CUTOVER, "orders_tenant_cutover_rule": OF_A_CUTOVER,
    "orders_tenant_cutover_notify_from": OF_A_CUTOVER,
    "orders_tenant_cutover_cut_over": VERB, "orders_tenant_cutover_back": VERB, "orders_tenant_cutover_release": VERB,
    "orders_difference_ignore_member": VERB, "orders_ignoredmember_count_again": VERB,
    "orders_selftest_change": VERSION, "orders_selftest_report": VERSIONS,
    "orders_repairrun_dead": ALL,
    "orders_repairrun_group": answers("302 200 200 200 200 200", "302 403 403 403 403 403"),
    "orders_repairrun_change": VERSIONS,
    "orders_repairrun_stop": answers("302 405 405 405 405 405", "302 302 403 403 403 302"),
    "orders_repairrun_resume": answers("302 405 405 405 405 405", "302 302 403 403 403 302"),
    "proxy_proxyconfig_test_connection": VERB,
    "suppliers_webhook_send_test_event": VERB, "suppliers_webhook_verify_endpoint": VERB,
    "suppliers_webhook_rotate_secret": VERB,
    "orderflow_product_export_csv": ALL, "orderflow_product_export_xlsx": ALL,
    "orderflow_product_take_products": MADE,
    "orderflow_warehouseorder_warehouses": OF_A_TENANT,
}  # fmt: skip
"""Pages that are not those of every model, and exceptions from these."""

OUTSIDE = ("second_step", "second_step_set_up", "changes")
"""Pages of config.urls itself."""
MORE_ARGUMENTS = {
    "orders_selftest_report": lambda run: [run.pk, "txt"],
    "orders_repairrun_group": lambda _: ["events", "a-cause"],
}
"""What stands in addresses beside, or instead of, the row's id."""
ORDER_OF_ACME = {"orders_order_timeline": "slug", "orderflow_warehouseorder_warehouses": "pk"}
"""Asked with an order of acme in the address; by which column the address names the tenant."""
LINE_OF_ACME = ("orders_order_part",)
"""Asked for a line of the timeline of an order of acme."""


def patterns(listed=None, path=""):
    """(name, path, pattern) of every page under /admin/ that has a name."""
    for one in get_resolver().url_patterns if listed is None else listed:
        there = path + str(one.pattern)
        if isinstance(one, URLPattern):
            if there.startswith("admin/") and one.name:
                yield one.name, one
        else:
            yield from patterns(one.url_patterns, there)


def model_of(name):
    """The model whose page it is, and what page."""
    for model in admin.site._registry:
        prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
        if name.startswith(prefix):
            return model, name.removeprefix(prefix)
    return None, name


def expected(name):
    model, page = model_of(name)
    if name in PAGES or model is None:
        assert name in PAGES, f"The page {name!r} is new: add who may open it to PAGES in {__name__}."
        return PAGES[name]
    label = model._meta.label
    tables = (
        (FORMS, OF_FORMS),
        (CHANGE_FORMS, OF_FORMS | {"add": NOBODY}),
        (EVIDENCE, OF_EVIDENCE),
        (PEOPLE, OF_PEOPLE),
    )
    table = next((table for labels, table in tables if label in labels), None)
    assert table, f"{label} is new in the admin: add it to FORMS, CHANGE_FORMS, EVIDENCE or PEOPLE in {__name__}."
    if isinstance(admin.site._registry[model], HistoryAdmin):
        table = table | {"history": VERSIONS, "simple_history": VERSION}
    assert page in table, f"The page {name!r} is new: add who may open it to PAGES in {__name__}."
    return table[page]


@pytest.fixture
def rows(furnished):
    return one_of_every_model(furnished.tenant)


def address(name, pattern, rows):
    model, page = model_of(name)
    arguments = []
    if name in MORE_ARGUMENTS:
        arguments = MORE_ARGUMENTS[name](rows[model])
    elif page == "simple_history":
        versions = rows[model].history
        arguments = [rows[model].pk, getattr(versions.first(), "pk", 0)]
    elif model and pattern.pattern.converters:
        arguments = [rows[model].pk]
    elif name == "view_on_site":
        arguments = [ContentType.objects.get_for_model(Tenant).pk, rows[Tenant].pk]
    elif name == "app_list":
        arguments = ["orders"]
    url = reverse(name if name in OUTSIDE else f"admin:{name}", args=arguments)
    if name in LINE_OF_ACME:
        return f"{url}?subject=event:{rows[OrderEvent].pk}"
    if name not in ORDER_OF_ACME:
        return url
    order = rows[Order]
    tenant = getattr(order.tenant, ORDER_OF_ACME[name])
    return f"{url}?tenant={tenant}&unit={order.business_unit_id}&order={order.customer_order_id}"


def person(who, tenant):
    other = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    make = partial(give_role, who, password="a-long-password")
    users = {
        "anonymous": lambda: None,
        "operator": lambda: make(role=OPERATOR).user,
        "support": lambda: make(role=SUPPORT).user,
        "own": lambda: make(role=TENANT_ADMIN, tenant=tenant).user,
        "other": lambda: make(role=TENANT_ADMIN, tenant=other).user,
        "superuser": lambda: User.objects.create_superuser("root"),
    }
    return users[who]()


def signed_in(user):
    client = Client()
    if user:
        client.force_login(user)
    return client


def answer(client, method, url, data=None):
    """The response to one request; what it stored, and whom it signed out, is taken back."""
    cookies = client.cookies.copy()
    point = transaction.savepoint()
    response = getattr(client, method)(url, data or {})
    transaction.savepoint_rollback(point)
    client.cookies = cookies
    return response


@pytest.mark.parametrize("who", PEOPLE_AT_WORK)
def test_every_page_answers_everybody_as_the_table_says(who, rows):
    place, wrong = PEOPLE_AT_WORK.index(who), {}
    client = signed_in(person(who, rows[Tenant]))
    for name, pattern in patterns():
        url = address(name, pattern, rows)
        for method, wanted in expected(name).items():
            status = answer(client, method, url).status_code
            if status != wanted[place]:
                wrong[f"{method} {name}"] = f"answered {status}, the table says {wanted[place]}"
    assert wrong == {}


def test_the_tables_name_nothing_that_no_longer_exists():
    labels = {model._meta.label for model in admin.site._registry}
    assert labels >= FORMS | CHANGE_FORMS | EVIDENCE | PEOPLE
    assert set(PAGES) <= {name for name, _ in patterns()}


@pytest.mark.parametrize("who", LOOK_ONLY)
def test_no_button_of_a_verb_is_shown_to_who_may_only_look(who, rows):
    client, shown, read = signed_in(person(who, rows[Tenant])), [], {}
    verbs = [(name, pattern) for name, pattern in patterns() if PAGES.get(name) in (VERB, VERB_AND_BACK)]
    assert len(verbs) >= 12
    for name, pattern in verbs:
        model, _ = model_of(name)
        opts = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        url = address(name, pattern, rows)
        for page in (reverse(f"{opts}_change", args=[rows[model].pk]), reverse(f"{opts}_changelist")):
            if page not in read:
                read[page] = answer(client, "get", page).content.decode()
            if url in read[page]:
                shown.append((name, page))
    assert shown == []


@pytest.mark.parametrize("who", LOOK_ONLY)
def test_no_action_over_chosen_rows_does_anything_for_who_may_only_look(who, rows):
    client, tried = signed_in(person(who, rows[Tenant])), 0
    for model, its in admin.site._registry.items():
        page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for action in [*(its.actions or ()), "delete_selected"]:
            chosen = {"action": getattr(action, "__name__", action), "_selected_action": str(rows[model].pk)}
            point = transaction.savepoint()
            before = list(model._default_manager.values())
            response = client.post(page, chosen | {"apply": "1", "post": "yes", "reason": "because"})
            assert response.status_code in (200, 302, 403), (model, action)
            assert list(model._default_manager.values()) == before, (model, action)
            transaction.savepoint_rollback(point)
            tried += 1
    assert tried > 20


def test_another_tenants_admin_reads_nothing_of_acme_on_any_page(rows):
    client, told = signed_in(person("other", rows[Tenant])), []
    tenant = rows[Tenant]
    tenant.name = "Canary of Acme"
    tenant.save()
    for name, pattern in patterns():
        if name in ("logout", "view_on_site"):
            continue
        response = answer(client, "get", address(name, pattern, rows))
        if response.status_code == 200 and "Canary of Acme" in response.content.decode(errors="replace"):
            told.append(name)
    assert told == []
