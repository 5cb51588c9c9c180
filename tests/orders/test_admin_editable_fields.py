"""Who writes what a person can change in the admin: every field, action and deletion has its decision here.

All are read from the pages themselves, asked as each role. What the tables do not know fails: say which service writes
it (configuration: the onboarding service), or why the form may write the column by itself.
"""

from __future__ import annotations

import re
import sys

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import reverse

from orderflow.admin.products import OWN
from orderflow.models import OrderFlowChannel
from orders.access import staff
from orders.access.staff import ROLES, TENANT_ADMIN, give_role
from orders.admin.onboarding import guide
from orders.admin.onboarding.forms import StartForm
from orders.integrations.onboarding_steps import StepForm
from orders.models import Tenant
from orders.onboarding.steps import steps
from suppliers.models import Supplier
from tests.orders.roles_rows import one_of_every_model

pytestmark = pytest.mark.django_db

PASSWORD = "correct-horse-battery-9"

FIELDS = {
    "auth.Group": ("by itself", ["name", "permissions"]),
    "auth.User": ("note_changes", [
        "StaffTenant.tenant", "StaffTenant.user", "email", "first_name", "groups", "is_active", "is_staff",
        "is_superuser", "last_name", "password1", "password2", "usable_password", "user_permissions", "username",
    ]),
    "orderflow.OrderFlowChannel": ("change_channel", [
        "auth_type", "batch_size", "currency_units", "import_missing_products", "on_cancel", "on_update", "password",
        "poll_despatches_seconds", "reference", "require_delivery_address", "time_zone", "username", "validated",
    ]),
    "orderflow.Product": ("put_products", ["channel", "sku", *OWN]),
    "orders.AlertRule": ("by itself", ["active", "emails", "kind", "tenant", "threshold", "webhook_url"]),
    "orders.ApiClient": ("change_client", [
        "active", "business_units", "client_id", "public_keys", "scopes", "tenant",
    ]),
    "orders.Retention": ("change_retention", ["days", "tenant"]),
    "orders.Tenant": ("change_tenant", [
        "case_type", "compared_per_minute", "country", "event_retry_schedule", "external_url", "name",
        "not_fetched_after_minutes", "proxy_timeout_seconds", "status_map", "tells_from", "time_zone",
        "unknown_members", "active", "mode", "slug",
    ]),
    "suppliers.Supplier": ("change_supplier", ["active", "item_patterns", "name", "position"]),
}  # fmt: skip
"""Model: who writes what the page saves, and the fields that may be changed there."""
BY_ITSELF = {
    "auth.Group": "Roles of staff are no configuration of a tenant; what they hold is put on record when saved.",
    "orders.AlertRule": "It tells people only: no order, partner or program is touched.",
}
"""Why the form may write its row without a service."""
STEPS = {
    "service": ["external_url", "type", "username", "password", "client_id", "client_secret", "auth_url"],
    "clients": ["client_id", "scopes", "business_units"],
    "suppliers": [
        "name", "slug", "item_patterns", "client_id", "url", "events", "auth", "username", "password", "oauth_client",
        "oauth_secret", "auth_url",
    ],
    "warehouses": [
        "slug", "base_url", "channel", "organisation", "auth", "username", "password", "item_patterns", "time_zone",
        "currency_units", "require_delivery_address",
    ],
}  # fmt: skip
"""Steps of the onboarding page and their fields; all are keys of the onboarding file (``apply_keys``)."""
START = [
    "name", "slug", "mode", "external_url", "country", "time_zone", "proxy_timeout_seconds", "status_map",
    "unknown_members", "case_type", "event_retry_schedule", "not_fetched_after_minutes",
]  # fmt: skip
"""Of the page that adds a tenant (``add_tenant``)."""
READS = "Changes nothing."
CONFIGURES = "Secrets and switches: shown first, then one service with a lock, on record."
MENDS = "Previewed and with a reason: orders.dead_letters, orders.outbox.destination_health, orders.cutover."
ACTIONS = {
    "auth.User": (CONFIGURES, ["reset_second_step", "unlock"]),
    "orderflow.Product": ("take_file stores as the API does.", ["take_products"]),
    "orders.AlertRule": (CONFIGURES, ["new_signing_secret", "test_alert"]),
    "orders.ApiClient": (CONFIGURES, ["rotate"]),
    "orders.Delivery": (MENDS, ["discard_dead", "discard_one", "retry_dead", "retry_one"]),
    "orders.Destination": (MENDS, ["pause", "probe", "resume"]),
    "orders.Difference": (MENDS, ["ignore_member", "ignore_members"]),
    "orders.IgnoredMember": (MENDS, ["count_again"]),
    "orders.Order": ("orders.retention.erasure, counted first.", ["erase_customers"]),
    "orders.OrderEvent": (MENDS, ["discard_dead", "discard_one", "retry_dead", "retry_one"]),
    "orders.Tenant": (
        CONFIGURES,
        ["cutover", "onboard", "onboarding_file", "self_test", "switch_active", "switch_mode"],
    ),
    "orderflow.WarehouseOrder": (MENDS, ["send_failed_again"]),
    "suppliers.Webhook": (CONFIGURES, ["rotate_secret", "send_test_event", "verify_endpoint"]),
}
LOOKS = {
    "orderflow.Product": (READS, ["ask_stock", "export_csv", "export_xlsx"]),
    "orders.Tenant": (READS, ["export"]),
    "proxy.ProxyConfig": (READS, ["test_connection"]),
}
DELETED = {
    "auth.Group.delete_selected": "Only roles that are nobody's of the three.",
    "auth.User.delete": "On record.",
    "auth.User.delete_selected": "On record, one by one.",
    "orders.Retention.delete": "The tenant keeps everything from then on.",
    "orders.Retention.delete_selected": "The tenant keeps everything from then on.",
}
DECIDE = "add it to the table: which service writes it, or why the form may"


@pytest.fixture
def people(furnished):
    return {
        role: give_role(f"a-{role}", role=role, tenant=furnished.tenant if role == TENANT_ADMIN else None,
                        password="a-long-password").user
        for role in ROLES
    }  # fmt: skip


def request_of(user):
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(pk=user.pk)
    return request


def found(people, rows, look):
    """What ``look`` finds on every page, asked as every role."""
    names = set()
    for user in people.values():
        for model, page in admin.site._registry.items():
            request = request_of(user)
            names |= {f"{model._meta.label}.{name}" for name in look(page, request, rows[model])}
    return names


def editable(page, request, row):
    """Fields of the forms to add and to change, of the inlines, and of the list."""
    if page.has_add_permission(request):
        yield from fields_of(page, request, None)
    if page.has_change_permission(request, row):
        yield from fields_of(page, request, row)
        yield from page.get_list_editable(request) if hasattr(page, "get_list_editable") else page.list_editable


def fields_of(page, request, row):
    form = page.get_form(
        request, row, change=row is not None, fields=flatten_fieldsets(page.get_fieldsets(request, row))
    )
    yield from (name for name, field in form(instance=row).fields.items() if not field.disabled)
    for formset, inline in page.get_formsets_with_inlines(request, row):
        may = inline.has_change_permission(request, row) or inline.has_add_permission(request, row)
        rows = formset.form.base_fields if may else ()
        yield from (f"{inline.model.__name__}.{name}" for name in rows)


def acting(page, request, row):
    """Actions on chosen rows and on one row or none, as far as the role has them."""
    yield from page.get_actions(request)
    for where in ("actions_list", "actions_detail", "actions_row", "actions_submit_line"):
        yield from page._extract_action_names(getattr(page, where)) or []


def deletable(page, request, row):
    if page.has_delete_permission(request, row):
        yield "delete"


def named(table):
    return {f"{label}.{name}" for label, (_, names) in table.items() for name in names}


@pytest.fixture
def rows(furnished):
    return one_of_every_model(furnished.tenant)


def test_every_editable_field_has_its_decision(people, rows):
    assert found(people, rows, editable) - named(FIELDS) == set(), DECIDE
    assert named(FIELDS) - found(people, rows, editable) == set(), "no longer editable: take it out"


def test_every_action_and_deletion_has_its_decision(people, rows):
    known = named(ACTIONS) | named(LOOKS) | set(DELETED)
    there = found(people, rows, acting) | found(people, rows, deletable)
    assert there - known == set(), DECIDE
    assert known - there == set(), "no longer there: take it out"


class CalledError(Exception):
    """The service was called; nothing is stored."""


CHANGED = {
    "auth.User": {"first_name": "Ada"},
    "orderflow.OrderFlowChannel": {"batch_size": "7"},
    "orderflow.Product": {"description": "Green"},
    "orders.ApiClient": {"scopes": ["customer-orders:read", "products:write"]},
    "orders.Retention": {"days": "20"},
    "orders.Tenant": {"name": "Acme Retail"},
    "suppliers.Supplier": {"name": "Beans & Co"},
}
"""What is entered in a form to change a row."""
ADDED = {
    "auth.User": {"username": "ada", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD},
    "orderflow.Product": {"channel": OrderFlowChannel, "sku": "A-1", "description": "Green"},
    "orders.ApiClient": {"tenant": Tenant, "client_id": "acme-pos", "scopes": ["customer-orders:read"]},
    "orders.Retention": {"tenant": Tenant, "days": "30"},
    "orders.Tenant": {"slug": "coffee", "name": "Coffee House", "mode": "events"},
}
"""What is entered in a form to add one; a model stands for its row."""
ADDED_BY = {"orders.Tenant": (guide, "add_tenant")}
"""Where a page that adds is not the one that changes: its module, and the service."""


def filled(answer, entered):
    """What the browser would send of the page's form, with what was entered."""
    form = answer.context["adminform"].form if "adminform" in answer.context else answer.context["form"]
    sent = {form.add_prefix(name): form[name].value() for name in form.fields}
    for inline in answer.context.get("inline_admin_formsets", ()):
        numbers = inline.formset.management_form
        sent |= {numbers.add_prefix(name): numbers[name].value() for name in numbers.fields}
        sent |= {one.add_prefix(name): one[name].value() for one in inline.formset.initial_forms for name in one.fields}
    kept = {name: value for name, value in sent.items() if value is not None and value is not False}
    return kept | entered


def saved_by(monkeypatch, client, module, service, path, entered):
    """Whether the page at ``path`` saves by calling ``service``."""
    called = []
    original = getattr(module, service)

    def call(*args, **members):
        called.append(service)
        raise CalledError

    form = filled(client.get(path), entered)
    monkeypatch.setattr(module, service, call)
    try:
        answer = client.post(path, form)
    except CalledError:
        return True
    finally:
        monkeypatch.setattr(module, service, original)
    assert answer.status_code == 302, re.findall(r"errorlist.*?</ul>", answer.content.decode(), re.DOTALL)
    return bool(called)


@pytest.mark.parametrize("label", [label for label in FIELDS if label not in BY_ITSELF])
def test_the_page_saves_by_the_service_that_the_table_names(label, root, rows, monkeypatch):
    """Filled in and sent: the service is called, to change and to add."""
    model, page = next((model, page) for model, page in admin.site._registry.items() if model._meta.label == label)
    row, name = rows[model], f"admin:{model._meta.app_label}_{model._meta.model_name}"
    here = (sys.modules[type(page).__module__], FIELDS[label][0])
    if label == "auth.User":
        here = (staff, here[1])
    assert saved_by(monkeypatch, root, *here, reverse(f"{name}_change", args=(row.pk,)), CHANGED[label])
    assert (label in ADDED) == page.has_add_permission(root.get("/admin/").wsgi_request)
    if label in ADDED:
        type(row).objects.filter(pk=row.pk if label == "orders.Retention" else None).delete()
        entered = {name: rows[each].pk if isinstance(each, type) else each for name, each in ADDED[label].items()}
        assert saved_by(monkeypatch, root, *ADDED_BY.get(label, here), reverse(f"{name}_add"), entered)


@pytest.mark.parametrize("label", BY_ITSELF)
def test_what_a_form_writes_by_itself_has_no_service(label):
    assert FIELDS[label][0] == "by itself"


def test_every_field_of_the_onboarding_page_is_a_key_of_the_onboarding_file(furnished):
    forms = {step.key: step.form(furnished.tenant) for step in steps()}
    assert {key: list(form.fields) for key, form in forms.items()} == STEPS, DECIDE
    assert all(isinstance(form, StepForm) for form in forms.values())
    assert list(StartForm().fields) == START, DECIDE


def test_a_new_field_without_a_decision_is_found(people, rows, monkeypatch):
    page = admin.site._registry[Supplier]
    monkeypatch.setattr(page, "readonly_fields", ("tenant", "slug"))
    assert found(people, rows, editable) - named(FIELDS) == {"suppliers.Supplier.api_client"}
