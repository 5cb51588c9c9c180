"""Changes of orders as channels get them to plan, without the inbox."""

from __future__ import annotations

from datetime import UTC, datetime

from orders.database.ids import new_id
from orders.documents import load, render
from orders.integrations.channels import Change
from orders.values.order_key import OrderKey


class Changes:
    """Documents of one tenant's orders in sequence; each is a change of the one before."""

    def __init__(self, tenant):
        self.tenant = tenant
        self.sequences = {}
        self.documents = {}

    def change(self, document, *, unit="store-1"):
        document = load(render(document))
        key = OrderKey(self.tenant.pk, unit, document["customerOrderId"])
        self.sequences[key] = self.sequences.get(key, 0) + 1
        before, self.documents[key] = self.documents.get(key), document
        now = datetime.now(UTC)
        return Change(
            key=key, sequence=self.sequences[key], event_id=new_id(), before=before, after=document,
            received_at=now, applied_at=now, correlation_id="corr-1",
        )  # fmt: skip
