"""Who changed what, when: the history of all settings on one page, newest first, each change field by field.

Read from django-simple-history's tables of every model that has one; secrets are not in them (they are sealed apart, or
left out by name). Bound staff see their tenant's. Changes of logins are added for superusers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from orders.admin import lookups
from orders.admin.base import bound_tenant
from orders.models import ApiClient, StaffChange, Tenant

SHOWN = 50
"""Changes on one page."""
KINDS = {"+": "made", "~": "changed", "-": "deleted"}
NOT_SETTINGS = ("updated_at", "created_at", "created", "updated")
SELF_TEST_CLIENTS = "selftest."
"""Clients that a self-test makes and removes within a second: no setting that anybody made."""
VALUE_CHARACTERS = 300
"""Of a value; longer ones are cut, the row's own history has them whole."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Change:
    at: datetime
    who: str
    kind: str
    what: str
    page: str
    fields: tuple[FieldChange, ...] = ()
    detail: str = ""


def changes_view(request: HttpRequest) -> HttpResponse:
    before = _moment(request.GET.get("before", ""))
    tenants = [] if bound_tenant(request) is not None else list(Tenant.objects.order_by("name"))
    chosen = next((one for one in tenants if one.slug == request.GET.get("of")), None)
    found = sorted(_all(request, before, chosen), key=lambda change: change.at, reverse=True)
    context = {
        **admin.site.each_context(request),
        "title": "Who changed what",
        "changes": found[:SHOWN],
        "older": found[SHOWN - 1].at.isoformat() if len(found) > SHOWN else "",
        "tenants": tenants,
        "chosen": chosen,
    }
    return TemplateResponse(request, "admin/orders/changes.html", context)


def _moment(text: str) -> datetime | None:
    """A browser sends the + of an offset as a blank."""
    try:
        moment = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    least, most = lookups.DATE_PARTS["year"]
    return moment if moment and moment.tzinfo and least <= moment.year <= most else None


def _all(request: HttpRequest, before: datetime | None, chosen: Tenant | None) -> Iterator[Change]:
    """The newest of every kind, one more than a page holds."""
    for model, its in admin.site._registry.items():
        if hasattr(model, "history") and its.has_view_permission(request):
            yield from _of_model(request, model, before, chosen)
    if request.user.is_superuser and chosen is None:
        yield from _of_logins(before)


def _of_model(
    request: HttpRequest, model: type[Model], before: datetime | None, chosen: Tenant | None
) -> Iterator[Change]:
    path = admin.site._registry[model].tenant_path  # type: ignore[attr-defined]  # every admin is a HubAdmin
    tenant_id = chosen.pk if chosen else bound_tenant(request)
    rows = model.history.select_related("history_user").order_by("-history_date", "-history_id")  # type: ignore[attr-defined]
    if tenant_id is not None:
        rows = rows.filter(**{"id" if path == "pk" else path: tenant_id}) if path else rows.none()
    if before:
        rows = rows.filter(history_date__lt=before)
    if model is ApiClient:
        rows = rows.exclude(client_id__startswith=SELF_TEST_CLIENTS)
    for row in rows[: SHOWN + 1]:
        fields = tuple(_fields(row))
        if fields or row.history_type != "~":
            yield Change(
                row.history_date, _who(row), KINDS[row.history_type], _what(row, model), _page(row, model), fields
            )


def _fields(row: Any) -> Iterator[FieldChange]:
    """What differs from the version before."""
    previous = row.prev_record if row.history_type == "~" else None
    if previous is None:
        return
    for change in row.diff_against(previous, excluded_fields=NOT_SETTINGS).changes:
        yield FieldChange(_label(row, change.field), _shown(change.old), _shown(change.new))


def _label(row: Any, name: str) -> str:
    return str(row.instance_type._meta.get_field(name).verbose_name)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "nothing" if value in (None, "", [], {}) else str(value)
    return text if len(text) <= VALUE_CHARACTERS else f"{text[:VALUE_CHARACTERS]} …"


def _who(row: Any) -> str:
    """The person, and by which way: an onboarding file, a command, an API client."""
    user = row.history_user.get_username() if row.history_user_id and row.history_user else ""
    return ", ".join(part for part in (user, row.history_change_reason or "") if part) or "the hub"


def _what(row: Any, model: type[Model]) -> str:
    return f"{model._meta.verbose_name} {row.instance}"


def _page(row: Any, model: type[Model]) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_history"
    return reverse(name, args=(row.instance.pk,)) if row.history_type != "-" else ""


def _of_logins(before: datetime | None) -> Iterator[Change]:
    rows = StaffChange.objects.order_by("-at")
    for row in (rows.filter(at__lt=before) if before else rows)[: SHOWN + 1]:
        yield Change(row.at, row.who, row.what, f"login {row.login}", "", detail=row.detail)
