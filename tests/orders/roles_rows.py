"""A row of every registered model, all of one tenant: made from the model's own fields, so that a new model has one."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.utils import timezone

from orders.models import Tenant

SET = {
    "suppliers.Supplier": {"slug": "beans-ltd"},
    "orders.Tenant": {"slug": "acme-two", "mode": "events"},
}
"""What cannot be guessed from the fields."""


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
        optional = field.null or field.has_default() or field.has_db_default() or getattr(field, "auto_now_add", False)
        if field.primary_key and not field.remote_field or optional or getattr(field, "auto_now", False):
            continue
        values[field.name] = value_of(field, tenant)
    return model._default_manager.create(**values | SET.get(model._meta.label, {}))


def value_of(field, tenant):
    if field.remote_field:
        return row_of(field.remote_field.model, tenant)
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, (models.IntegerField, models.FloatField, models.DecimalField)):
        return 30
    if isinstance(field, models.JSONField):
        return {}
    if isinstance(field, models.BinaryField):
        return b"x"
    return "https://partner.example/" if "url" in field.name else f"a-{field.name}"[: field.max_length or 40]
