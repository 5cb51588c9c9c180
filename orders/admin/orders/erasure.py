"""Erasing customers from the list of orders: first a count of what would be erased, then the erasure with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from orders.models import Order
from orders.retention.erasure import Asked, Report, erase

MOST_CUSTOMERS = 10
MOST_ORDERS = 200
"""Of one customer in one request: about ten milliseconds each, so a few seconds. The command has no such limit."""
EFFECT = (
    "Name, address, contact and account details are overwritten for good: in the orders, what was received and sent, "
    "partners' answers and the timeline. Ids and the sequence of events stay. Dead letters are discarded. Nothing is "
    "sent to anybody. Erase the customer in the tenant's own system first, or its next change brings the data back."
)


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """One customer of the page."""

    tenant: str
    customer_id: str
    report: Report

    @property
    def counts(self) -> list[tuple[str, int]]:
        return sorted(self.report.counts.items())


class ErasingAdmin:
    """Mixed into the admin of orders. The permission to operate orders includes erasing."""

    @admin.action(description="Erase the customers' personal data (preview first)", permissions=["operate"])
    def erase_customers(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse:
        """All orders of the customers that the ticked orders name, not the ticked ones alone."""
        if not self.has_operate_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        reason = request.POST.get("reason", "").strip()
        done = "apply" in request.POST and bool(reason)
        ticked = list(queryset.select_related("tenant").defer("document"))
        customers = {(order.tenant, order.customer_id) for order in ticked}
        chosen = sorted(customers, key=lambda one: (one[0].slug, one[1]))[:MOST_CUSTOMERS]
        who = request.user.get_username()
        asked = [Asked(tenant, customer_id, who=who, reason=reason) for tenant, customer_id in chosen]
        lines = [
            ErasureRow(one.tenant.name, one.customer_id, erase(one, dry_run=not done, most=MOST_ORDERS))
            for one in asked
        ]
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": "What was erased" if done else "Erase what is personal of these customers?",
            "lines": lines,
            "done": done,
            "effect": EFFECT,
            "left_out": len(customers) - len(chosen),
            "most_orders": MOST_ORDERS,
            "ticked": [order.pk for order in ticked],
            "checkbox": ACTION_CHECKBOX_NAME,
            "reason_missing": "apply" in request.POST and not reason,
            "list_url": reverse("admin:orders_order_changelist"),
        }
        return TemplateResponse(request, "admin/orders/erase.html", context)
