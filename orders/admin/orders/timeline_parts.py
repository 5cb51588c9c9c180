"""What stands behind one line of a timeline, shown when somebody opens it: the body, and each try with its answer.

A fragment of HTML for orders/static/orders/timeline.js; without scripts the same line leads to the row's own page.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from orders.admin.masking import FOREIGN, TEXT, cover, masker_for
from orders.models import Delivery, DeliveryAttempt, OrderEvent
from orders.models.inbox import event_id

TRIES_SHOWN = 20
"""The newest; more than a schedule has."""
MODELS: dict[str, Any] = {"event": OrderEvent, "delivery": Delivery}


def part_view(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """``?subject=event:<id>`` or ``delivery:<id>``, for whoever may see that row."""
    kind, _, pk = request.GET.get("subject", "").partition(":")
    if kind not in MODELS:
        raise Http404("There is no such line.")
    rows_of: Any = site._registry[MODELS[kind]]
    row = rows_of.get_queryset(request).defer(None).filter(pk=event_id(pk)).first()
    if row is None or not rows_of.has_view_permission(request, row):
        raise PermissionDenied
    rows_of.covered(request, [row])
    tries = _tries(request, row, rows_of) if kind == "delivery" else []
    context = {"row": row, "kind": kind, "tries": tries}
    return TemplateResponse(request, "admin/orders/timeline_part.html", context)


def _tries(request: HttpRequest, row: Delivery, rows_of: Any) -> list[DeliveryAttempt]:
    tries = list(row.tries.order_by("-pk")[:TRIES_SHOWN])
    masker = masker_for(request, rows_of.order_keys([row])[0])
    for one in tries:
        cover(one, {"detail": TEXT, "response_cut": FOREIGN}, masker)
    return tries[::-1]
