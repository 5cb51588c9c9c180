"""What a list may be asked for in its address: its declared filters, in the forms those filters link to, and no more.

Django lets every column of a model be asked for with every lookup. ``?client_secret__regex=^a`` would then reveal a
hash letter by letter to anyone who may see the list.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ListFilter
from django.contrib.admin.utils import get_fields_from_path
from django.db.models import DateField, Model
from django.urls import register_converter
from django.urls.converters import IntConverter

MOST_DIGITS = 18
"""As many digits always fit the 64 bits of an id."""
DATE_PARTS = {"year": (2, 9998), "month": (1, 12), "day": (1, 31)}
"""Part of a date hierarchy -> least and most; a year's neighbours must be dates too, in every time zone."""


def number(text: str) -> int | None:
    """The id that a text is; None for one that no row can have. ``²`` is a digit, but no number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None


class RowId(IntConverter):
    """``<id:…>`` in an address: Django's ``<int:…>`` takes numbers that no database does."""

    regex = rf"[0-9]{{1,{MOST_DIGITS}}}"


register_converter(RowId, "id")


def declared(model: type[Model], one: Any) -> set[str]:
    """The lookups that an entry of ``list_filter`` reads from the address."""
    if isinstance(one, type) and issubclass(one, ListFilter):
        return {str(getattr(one, "parameter_name", ""))}
    path = one[0] if isinstance(one, tuple | list) else one
    field: Any = get_fields_from_path(model, path)[-1]
    if field.remote_field:
        return {f"{path}__{field.target_field.name}__exact", f"{path}__isnull"}
    forms = ("gte", "lt", "isnull") if isinstance(field, DateField) else ("exact", "isnull")
    return {path, *(f"{path}__{form}" for form in forms)}


def of_date(hierarchy: str | None, lookup: str, value: str) -> bool:
    """Whether it is a year, month or day of the list's date hierarchy that there can be."""
    path, _, part = lookup.rpartition("__")
    least, most = DATE_PARTS.get(part, (1, 0))
    return path == hierarchy and least <= (number(value) or 0) <= most
