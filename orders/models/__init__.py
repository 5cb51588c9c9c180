from orders.models.evidence import OperatorAction, Secret, TimelineEntry
from orders.models.inbox import Order, OrderEvent, OrderQueue
from orders.models.outbox import Delivery, DeliveryAttempt, Destination, Lane
from orders.models.people import StaffTenant
from orders.models.tenants import ApiClient, Tenant, UsedAssertion

__all__ = [
    "ApiClient",
    "Delivery",
    "DeliveryAttempt",
    "Destination",
    "Lane",
    "OperatorAction",
    "Order",
    "OrderEvent",
    "OrderQueue",
    "Secret",
    "StaffTenant",
    "Tenant",
    "TimelineEntry",
    "UsedAssertion",
]
