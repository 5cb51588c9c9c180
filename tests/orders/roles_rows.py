"""A row of every registered model, all of one tenant: made from the model's own fields, so that a new model has one."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.utils import timezone

from orders.dead_letters.selection import Selection
from orders.models import Order, Tenant

SET = {
    "suppliers.Supplier": {"slug": "beans-ltd"},
    "orders.RepairRun": {"selection": Selection("events", "a-cause").as_json()},
}
"""What cannot be guessed from the fields."""
OF_KIND = {
    models.DateTimeField: timezone.now(),
    models.IntegerField: 30,
    models.FloatField: 30,
    models.JSONField: {},
    models.BinaryField: b"x",
}


def one_of_every_model(tenant):
    """{model: row}; those that exist already are taken."""
    return {model: row_of(model, tenant) for model in admin.site._registry}


def row_of(model, tenant):
    if model is Tenant:
        return tenant
    return model._default_manager.last() or made(model, tenant)


def made(model, tenant):
    values = {}
    for field in model._meta.concrete_fields:
        if field.name == "tenant":
            values["tenant"] = tenant
            continue
        optional = field.null or field.has_default() or field.has_db_default() or getattr(field, "auto_now_add", False)
        if (field.primary_key and not field.remote_field) or optional or getattr(field, "auto_now", False):
            continue
        values[field.name] = value_of(field, tenant)
    return model._default_manager.create(**values | SET.get(model._meta.label, {}))


def value_of(field, tenant):
    if field.remote_field:
        return row_of(field.remote_field.model, tenant)
    if field.choices:
        return field.choices[0][0]
    if field.name in ("business_unit_id", "customer_order_id"):
        return getattr(Order.objects.last(), field.name)
    for kind, value in OF_KIND.items():
        if isinstance(field, kind):
            return value
    return "https://partner.example/" if "url" in field.name else f"a-{field.name}"[: field.max_length or 40]
