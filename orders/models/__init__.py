from orders.models.alerts import AlertMessage, AlertRule, Incident
from orders.models.bulk_runs import RepairRun
from orders.models.comparison import ComparisonHour, ComparisonSweep, Difference, IgnoredMember, MemberHour
from orders.models.counters import Figure
from orders.models.cutover import KnownOrder, LedgerHour, LoadRequest, OrderRelease
from orders.models.evidence import OperatorAction, Secret, TimelineEntry
from orders.models.inbox import Order, OrderEvent, OrderQueue
from orders.models.outbox import Delivery, DeliveryAttempt, Destination, Lane
from orders.models.retention import Retention
from orders.models.setup import Handover, SelfTest
from orders.models.staff import SecondStep, SignInTries, StaffChange, StaffTenant
from orders.models.tenants import ApiClient, Tenant, UsedAssertion
from orders.models.unknowns import UnknownContent

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
    "UnknownContent",
    "UsedAssertion",
]
