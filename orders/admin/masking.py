"""Personal data on the admin's pages: covered in the rows, before anything is rendered, for logins that may not see it.

An admin of evidence names its columns in ``personal`` and says in ``order_keys`` whose they are; lists, pages and
inlines then hold covered rows, and nothing can be filtered or sorted by what is covered. Covered rows are never saved:
who may not see personal data may not change evidence (see ``EvidenceAdmin``).

    DOCUMENT    our own JSON: by its members          TEXT      free text: by the order's own values
    FOREIGN     a partner's body: both
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from unfold.admin import TabularInline

from orders.masking.documents import MASK, PLAIN, Masker, sees_personal_data
from orders.masking.known_values import Maskers, masker_of
from orders.values.order_key import OrderKey

DOCUMENT, TEXT, FOREIGN = "document", "text", "foreign"


def masker_for(request: HttpRequest, key: OrderKey | None) -> Masker:
    """For texts about one order; leaves them as they are for logins that may see personal data."""
    return PLAIN if sees_personal_data(request) else masker_of(key)


class MaskedRows:
    """Mixed into an admin whose rows hold personal data."""

    personal: Mapping[str, str] = {}
    """Column -> DOCUMENT, TEXT or FOREIGN."""

    def order_keys(self, rows: Sequence[Any]) -> Sequence[OrderKey | None]:
        """Whose row each is."""
        return [None for _ in rows]

    def covered(self, request: HttpRequest, rows: Sequence[Any]) -> Sequence[Any]:
        """The same rows, covered in place where the login may not see personal data."""
        if not rows or not self.personal or sees_personal_data(request):
            return rows
        keys = self.order_keys(rows)
        maskers = Maskers(keys)
        for row, key in zip(rows, keys, strict=True):
            cover(row, self.personal, maskers.of(key))
        return rows


class MaskedInline(TabularInline):  # type: ignore[misc]  # unfold has no types
    """Rows that belong to the row of the page; theirs are its order's values."""

    personal: Mapping[str, str] = {}

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        if obj is None or sees_personal_data(request):
            return formset
        parent: Any = self.admin_site._registry[self.parent_model]
        masker, personal = masker_of(parent.order_keys([obj])[0]), self.personal

        class Covered(formset):  # type: ignore[misc,valid-type]
            def get_queryset(self) -> Any:
                rows = super().get_queryset()
                for row in rows:
                    cover(row, personal, masker)
                return rows

        return Covered


def cover(row: Any, personal: Mapping[str, str], masker: Masker) -> None:
    """A column that was left in the database is covered unread."""
    unread = row.get_deferred_fields()
    for column, kind in personal.items():
        value = MASK if column in unread else getattr(row, column)
        if isinstance(value, str) and value != MASK:
            value = getattr(masker, kind)(value)
        elif isinstance(value, list):
            value = [masker.text(str(one)) for one in value]
        setattr(row, column, value)
