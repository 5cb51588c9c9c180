"""The staff's pages of the core. Importing this registers them; ``orders.admin.base`` is what the apps build on.

``staff`` comes first: it takes away the pages of the OAuth toolkit, whose model of clients is ours.
"""

from orders.admin.staff import staff  # isort: skip
from orders.admin import alerts, record
from orders.admin.cutover import differences
from orders.admin.dead_letters import bulk_runs
from orders.admin.deliveries import deliveries
from orders.admin.onboarding import self_tests
from orders.admin.orders import orders
from orders.admin.tenants import clients, retention, tenants

__all__ = [
    "alerts",
    "bulk_runs",
    "clients",
    "deliveries",
    "differences",
    "orders",
    "record",
    "retention",
    "self_tests",
    "staff",
    "tenants",
]
