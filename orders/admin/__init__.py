"""The staff's pages of the core. Importing this registers them; ``orders.admin.base`` is what the apps build on.

``staff`` comes first: it takes away the pages of the OAuth toolkit, whose model of clients is ours.
"""

from orders.admin import staff  # isort: skip
from orders.admin import (
    alerts,
    clients,
    differences,
    inbox,
    onboarding_selftests,
    outbox,
    record,
    repairs,
    retention,
    tenants,
)

__all__ = [
    "alerts",
    "clients",
    "differences",
    "inbox",
    "onboarding_selftests",
    "outbox",
    "record",
    "repairs",
    "retention",
    "staff",
    "tenants",
]
