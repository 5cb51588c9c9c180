from datetime import timedelta

import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken

from orders.access.bearer_tokens import forget_tokens
from orders.access.clients import ClientEntry, save_client
from orders.documents import digest, render
from orders.models import ApiClient, Destination, Order, OrderQueue, Tenant
from suppliers.models import Supplier, Webhook
from suppliers.webhooks import webhook_secrets
from suppliers.webhooks.planner import SupplierPlanner
from tests.changes import Changes

ALL_EVENTS = ["order_created", "order_updated", "order_cancelled"]


@pytest.fixture
def tenant(db):
    return Tenant.objects.create(slug="acme", name="Acme", mode="events", country="dk")


@pytest.fixture
def add_supplier(tenant):
    """A supplier with its API client and, unless ``url`` is None, its webhook."""

    def add(slug, patterns, *, url="http://127.0.0.1:9/hook", events=ALL_EVENTS, of=None, **webhook):
        owner = of or tenant
        entry = ClientEntry(
            client_id=slug,
            scopes=["supplier-orders:read", "events"],
            client_secret="s" * 40,
            kind=ApiClient.Kind.SUPPLIER,
        )
        supplier = Supplier.objects.create(
            tenant=owner,
            slug=slug,
            name=slug.title(),
            position=Supplier.objects.count(),
            item_patterns=patterns,
            api_client=save_client(owner, entry).client,
        )
        if url is not None:
            destination = Destination.objects.create(tenant=owner, channel="supplier", name=slug)
            row = Webhook.objects.create(supplier=supplier, destination=destination, url=url, events=events, **webhook)
            webhook_secrets.set_signing_secret(row)
        return supplier

    return add


@pytest.fixture
def token():
    """Makes a Bearer header for an API client."""
    forget_tokens()

    def make(client, *scopes):
        text = f"token-{client.client_id}-{'-'.join(scopes)}"
        AccessToken.objects.create(
            application=client,
            token=text,
            scope=" ".join(scopes or client.scopes),
            expires=timezone.now() + timedelta(hours=1),
        )
        return {"Authorization": f"Bearer {text}"}

    yield make
    forget_tokens()


class Book(Changes):
    """Applies documents as the core would: one planner per batch, then the stored order."""

    def apply(self, *documents, unit="store-1"):
        """What the documents require, one list per document, planned as one batch."""
        changes = [self.change(document, unit=unit) for document in documents]
        planner = SupplierPlanner(self.tenant, [change.key for change in changes])
        owed = [list(planner.plan(change)) for change in changes]
        planner.save()
        for change in changes:
            self._store(change)
        return owed

    def _store(self, change):
        queue, _ = OrderQueue.objects.get_or_create(
            tenant=self.tenant,
            business_unit_id=change.key.business_unit_id,
            customer_order_id=change.key.customer_order_id,
        )
        Order.objects.update_or_create(
            queue=queue,
            defaults={
                "tenant": self.tenant,
                "business_unit_id": change.key.business_unit_id,
                "customer_order_id": change.key.customer_order_id,
                "customer_id": change.after["customerId"],
                "status": change.after["status"],
                "document": render(change.after).decode(),
                "digest": digest(change.after),
                "applied_sequence": change.sequence,
                "received_at": change.received_at,
                "updated_at": change.applied_at,
            },
        )


@pytest.fixture
def book(tenant):
    return Book(tenant)


def order(*item_ids, order_id="1001", status="CREATED", **members):
    items = [{"itemId": item_id, "quantityOrdered": 2, "unitPrice": 5} for item_id in item_ids]
    return {"customerOrderId": order_id, "customerId": "c-1", "status": status, "items": items, **members}
