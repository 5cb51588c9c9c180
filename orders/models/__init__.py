from orders.models.alerts import AlertMessage, AlertRule, Incident
from orders.models.comparison import ComparisonHour, ComparisonSweep, Difference, IgnoredMember, MemberHour
from orders.models.evidence import OperatorAction, Secret, TimelineEntry
from orders.models.figures import Figure
from orders.models.inbox import Order, OrderEvent, OrderQueue
from orders.models.migration import KnownOrder, LedgerHour, LoadRequest, OrderRelease
from orders.models.outbox import Delivery, DeliveryAttempt, Destination, Lane
from orders.models.people import SecondStep, SignInTries, StaffChange, StaffTenant
from orders.models.repairs import RepairRun
from orders.models.retention import Retention
from orders.models.setup import Handover, SelfTest
from orders.models.tenants import ApiClient, Tenant, UsedAssertion

__all__ = [
    "AlertMessage",
    "AlertRule",
    "ApiClient",
    "ComparisonHour",
    "ComparisonSweep",
    "Delivery",
    "DeliveryAttempt",
    "Destination",
    "Difference",
    "Figure",
    "Handover",
    "IgnoredMember",
    "Incident",
    "KnownOrder",
    "Lane",
    "LedgerHour",
    "LoadRequest",
    "MemberHour",
    "OperatorAction",
    "Order",
    "OrderEvent",
    "OrderQueue",
    "OrderRelease",
    "RepairRun",
    "Retention",
    "SecondStep",
    "Secret",
    "SelfTest",
    "SignInTries",
    "StaffChange",
    "StaffTenant",
    "Tenant",
    "TimelineEntry",
    "UsedAssertion",
]
