"""How long each tenant's finished history is kept."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from orders.admin.base import HistoryAdmin
from orders.admin.confirmation import ConfirmsChanges, confirmed_by
from orders.models import Retention
from orders.onboarding.admin_changes import change_retention


@admin.register(Retention)
class RetentionAdmin(ConfirmsChanges, HistoryAdmin):
    empty_words = "Every tenant's history is kept for good. Add a tenant to remove what is finished after some days."
    list_display = ("tenant", "days", "finished_at", "removed")
    list_select_related = ("tenant",)
    fields = ("tenant", "days", "finished_at", "removed")
    readonly_fields = ("finished_at", "removed")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "tenant") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Retention, form: Any, change: bool) -> None:
        change_retention(obj, who=request.user.get_username(), agree=confirmed_by(request, obj.tenant))
