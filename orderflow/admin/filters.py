"""Filters that several lists have."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class FailureFilter(admin.SimpleListFilter):
    title = "refused"
    parameter_name = "refused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "refused by the warehouse, or not sendable")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.exclude(failure="") if self.value() == "yes" else queryset
