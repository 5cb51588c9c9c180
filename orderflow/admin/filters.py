"""What the searches of several lists have."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from orderflow.models import OrderFlowChannel


class FailureFilter(admin.SimpleListFilter):
    title = "refused"
    parameter_name = "refused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "refused by the warehouse, or not sendable")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.exclude(failure="") if self.value() == "yes" else queryset


def in_every_channel(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The same rows, with every channel named, so that an index which begins with the channel finds them."""
    return rows.filter(channel__in=list(OrderFlowChannel.objects.values_list("pk", flat=True)))
