"""What partners and tenants may write is shown as they wrote it, never as markup, and never as an address to open."""

import json

import pytest
from django.contrib import admin
from django.db import models, transaction
from django.db.utils import DataError, IntegrityError
from django.urls import reverse

from orders.dead_letters.selection import Selection
from orders.onboarding.self_test.running import SelfTestResult
from tests.orders.roles_rows import one_of_every_model

pytestmark = pytest.mark.django_db

MARKUP = '"><img src=x onerror=alert(1)><a href="javascript:alert(2)">'
ADDRESS = "javascript:alert(3)"
OPENED = ("<img src=x", 'href="javascript:', "href='javascript:")


def shaped(text):
    """Columns in which the hub itself writes a form that its pages rely on: ``text`` wherever text may stand in it."""
    line = SelfTestResult(area=text, step=text, outcome="failed", detail=text, next_step=text, ms=7)
    order = {"customerOrderId": text, "customerId": text, "items": [{"itemId": text, "note": text}], text: text}
    selection = Selection("events", "a-cause", order=text, destination=text)
    return {
        "orders.Order.document": json.dumps(order),
        "orders.Difference.here": json.dumps({"customerId": text}),
        "orders.Difference.there": json.dumps({"customerId": text}),
        "orders.SelfTest.lines": [line.as_json()],
        "orders.RepairRun.selection": selection.as_json(),
        "orders.RepairRun.counts": {text: 3, "would_apply": 2},
        "orders.RepairRun.log": [{"who": text, "what": text, "at": text}],
        "orders.Tenant.status_map": {text: text},
    }


NUMBERS = {"orders.Destination.retry_schedule", "orders.Tenant.event_retry_schedule", "orders.Tenant.cut_over_rule"}
"""JSON in which no text ever stands: forms and commands take numbers only."""


def planted(row, text):
    """Every text column that takes it holds ``text`` now; how many do."""
    count = 0
    for field in row._meta.concrete_fields:
        name = f"{row._meta.label}.{field.name}"
        if not isinstance(field, (models.CharField, models.TextField, models.JSONField)) or field.choices:
            continue
        if name in NUMBERS or (isinstance(field, models.CharField) and len(text) > (field.max_length or len(text))):
            continue
        plain = {text: [text]} if isinstance(field, models.JSONField) else text
        try:
            with transaction.atomic():
                rows = type(row)._default_manager.filter(pk=row.pk)
                count += rows.update(**{field.name: shaped(text).get(name, plain)})
        except (IntegrityError, DataError):
            continue
    return count


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=lambda model: model._meta.label), ids=str)
def test_no_page_of_a_model_shows_markup_or_opens_a_script(model, root, furnished):
    row = one_of_every_model(furnished.tenant)[model]
    name, wrong = f"admin:{model._meta.app_label}_{model._meta.model_name}", []
    pages = reverse(f"{name}_changelist"), reverse(f"{name}_change", args=(row.pk,)), "/admin/", "/admin/changes/"
    for text in (MARKUP, ADDRESS):
        assert planted(row, text) or not any(isinstance(field, models.TextField) for field in row._meta.concrete_fields)
        for page in pages:
            html = root.get(page, follow=True).content.decode()
            wrong += [(text, page, one) for one in OPENED if one in html]
    assert wrong == []


def test_the_columns_with_a_form_of_their_own_are_there():
    labels = {f"{model._meta.label}.{field.name}" for model in admin.site._registry for field in model._meta.fields}
    assert set(shaped("text")) | NUMBERS <= labels
