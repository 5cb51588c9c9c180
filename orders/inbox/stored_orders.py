"""The events-mode source: orders as the hub stores them."""

from __future__ import annotations

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from orders.documents import SearchCriteria
from orders.integrations.sources import FoundOrder, FoundPage, Search
from orders.models import Order, Tenant
from orders.values.problems import UnknownOrder


class StoredOrders:
    def get(self, tenant: Tenant, business_unit_id: str, customer_order_id: str) -> FoundOrder:
        """The order's document, numbers with the digits that were received. Raises UnknownOrder."""
        row = (
            Order.objects.filter(tenant=tenant, business_unit_id=business_unit_id, customer_order_id=customer_order_id)
            .values_list("document", "applied_sequence", "digest")
            .first()
        )
        if row is None:
            raise UnknownOrder("No order with this id has been applied in this business unit.")
        document, sequence, digest = row
        body = b'{"customerOrder":' + document.encode() + b"}"
        return FoundOrder(body=body, sequence=sequence, etag=etag_of(digest))

    def search(self, tenant: Tenant, business_unit_id: str, wanted: Search) -> FoundPage:
        """Newest reception first."""
        orders = _matching(Order.objects.filter(tenant=tenant, business_unit_id=business_unit_id), wanted.criteria)
        rows = orders.order_by("-received_at", "-queue").values_list("customer_order_id", "customer_id", "status")
        page = list(rows[wanted.skip : wanted.skip + wanted.take + 1])
        return FoundPage(
            orders=[
                {"customerOrderId": order, "customerId": customer, "status": status}
                for order, customer, status in page[: wanted.take]
            ],
            has_more=len(page) > wanted.take,
        )


def etag_of(digest: str) -> str:
    """The entity tag of a stored order: the same for the same document."""
    return f'"{digest[:32]}"'


def _matching(orders: QuerySet[Order], criteria: SearchCriteria) -> QuerySet[Order]:
    exact = {
        "customer_id": criteria.customer_id,
        "customer_order_id": criteria.customer_order_id,
        "status": criteria.status,
        "placed_at__gte": criteria.placed_from,
        "placed_at__lt": criteria.placed_to,
        "updated_at__gte": criteria.updated_from,
        "updated_at__lt": criteria.updated_to,
    }
    orders = orders.filter(**{name: value for name, value in exact.items() if value is not None})
    return orders if criteria.item_id is None else _with_item(orders, criteria.item_id)


def _with_item(orders: QuerySet[Order], item_id: str) -> QuerySet[Order]:
    if connection.vendor != "sqlite":
        return orders.filter(item_ids__contains=[item_id])
    having = RawSQL("SELECT queue_id FROM orders_order o, json_each(o.item_ids) WHERE json_each.value = %s", [item_id])
    return orders.filter(queue__in=having)
