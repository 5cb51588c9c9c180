"""The certain path: every second, whatever is due gets a worker, whether its wake was lost, its retry has come or its
worker died. Two sweeps at once do no harm; there is one on either Celery queue, so that what is due to one pool is
found also while the other is busy or away."""

from __future__ import annotations

from orders.integrations.periodic import anything_due
from orders.queueing.claims import (
    LANES,
    QUEUES,
    due_groups,
)
from orders.queueing.wake_ups import publish


def sweep() -> None:
    if due_groups(QUEUES):
        publish("inbound")
    if due_groups(LANES):
        publish("outbound")
    if anything_due():
        publish("outbound", task="orders.tasks.periodic")
