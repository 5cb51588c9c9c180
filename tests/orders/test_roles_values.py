"""What partners and tenants may write is shown as they wrote it, never as markup, and never as an address to open."""

import pytest
from django.contrib import admin
from django.db import models, transaction
from django.db.utils import DataError, IntegrityError
from django.urls import reverse

from tests.orders.roles_rows import one_of_every_model

pytestmark = pytest.mark.django_db

MARKUP = '"><img src=x onerror=alert(1)><a href="javascript:alert(2)">'
ADDRESS = "javascript:alert(3)"


def planted(row, text):
    """Every text column that takes it holds ``text`` now; the names of those that do not."""
    left_out = []
    for field in row._meta.concrete_fields:
        if not isinstance(field, (models.CharField, models.TextField, models.JSONField)) or field.choices:
            continue
        value = {text: [text]} if isinstance(field, models.JSONField) else text
        fits = isinstance(field, models.JSONField) or not field.max_length or len(text) <= field.max_length
        try:
            with transaction.atomic():
                if fits:
                    type(row)._default_manager.filter(pk=row.pk).update(**{field.name: value})
                else:
                    left_out.append(field.name)
        except (IntegrityError, DataError):
            left_out.append(field.name)
    return left_out


@pytest.mark.parametrize("text", [MARKUP, ADDRESS])
@pytest.mark.parametrize("model", sorted(admin.site._registry, key=lambda model: model._meta.label), ids=str)
def test_no_page_of_a_model_shows_markup_or_opens_a_script(model, text, root, furnished):
    row = one_of_every_model(furnished.tenant)[model]
    planted(row, text)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    for page in (
        reverse(f"{name}_changelist"),
        reverse(f"{name}_change", args=(row.pk,)),
        "/admin/",
        "/admin/changes/",
    ):
        html = root.get(page, follow=True).content.decode()
        assert "<img src=x" not in html, page
        assert 'href="javascript:' not in html, page
        assert "href='javascript:" not in html, page
