"""How long each tenant's finished history is kept."""

from __future__ import annotations

from django.contrib import admin

from orders.admin.base import HistoryAdmin
from orders.models import Retention


@admin.register(Retention)
class RetentionAdmin(HistoryAdmin):
    empty_words = "Every tenant's history is kept for good. Add a tenant to remove what is finished after some days."
    list_display = ("tenant", "days", "finished_at", "removed")
    list_select_related = ("tenant",)
    fields = ("tenant", "days", "finished_at", "removed")
    readonly_fields = ("finished_at", "removed")
