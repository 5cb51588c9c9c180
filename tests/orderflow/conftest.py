import ipaddress
import time
import uuid
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from orderflow.catalogue.products import put_products
from orderflow.imports.planner import ImportPlanner
from orderflow.models import OrderFlowChannel, WarehouseOrder
from orderflow.simulator.server import MockOrderFlow
from orderflow.site.client import CALL_SECONDS
from orderflow.site.credentials import store_password
from orders.database.clock import DatabaseClock
from orders.integrations import channels
from orders.integrations.channels import RequiredDelivery
from orders.models import Delivery, Destination, Lane, OrderQueue, Tenant
from orders.outbox.deliveries import add_deliveries, new_delivery
from orders.outbox.dispatcher import claim_requests
from orders.outbox.outcomes import CompletedAttempt, record
from tests.changes import Changes


@pytest.fixture
def tenant(db):
    return Tenant.objects.create(slug="acme", name="Acme", mode="events")


@pytest.fixture
def loopback(settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True


@pytest.fixture
def site(loopback):
    """A warehouse that knows the products A, B and C."""
    with MockOrderFlow(users={"philz": "pässword"}) as site:
        yield site


@pytest.fixture
def add_channel(tenant):
    def add(name="main", *, of=None, password="pässword", base_url="http://127.0.0.1:9/rtd2-host", **settings):
        destination = Destination.objects.create(tenant=of or tenant, channel="orderflow", name=name)
        members = {"channel": "MYCHANNEL", "username": "philz", "item_patterns": ["*"], **settings}
        channel = OrderFlowChannel.objects.create(destination=destination, base_url=base_url, **members)
        if password is not None:
            store_password(channel, password)
        return channel

    return add


@pytest.fixture
def warehouse(site, add_channel):
    return add_channel(base_url=site.base_url)


@pytest.fixture
def stocked(site, warehouse):
    """The warehouse with products A, B and C, and nothing received yet."""
    put_products(warehouse, {sku: {"description": sku} for sku in "ABC"})
    deliver()
    site.forget()
    return warehouse


class Book(Changes):
    """Applies documents as the core does: planned in batches, written to lanes."""

    def apply(self, *documents, unit="store-1"):
        """What the documents require, one list per document, planned as one batch and written."""
        changes = [self.change(document, unit=unit) for document in documents]
        planner = ImportPlanner(self.tenant, list(dict.fromkeys(change.key for change in changes)))
        due = [list(planner.plan(change)) for change in changes]
        planner.save()
        debts = []
        for change, line in zip(changes, due, strict=True):
            queue, _ = OrderQueue.objects.get_or_create(**change.key._asdict())
            debts += [new_delivery(change, queue.pk, owed) for owed in line if isinstance(owed, RequiredDelivery)]
        add_deliveries(debts)
        return due


@pytest.fixture
def book(tenant):
    return Book(tenant)


def an_order(*lines, order_id="1001", status="CREATED", **members):
    items = [{"itemId": item, "quantityOrdered": quantity, "unitPrice": 5} for item, quantity in lines or [("A", 2)]]
    return {"customerOrderId": order_id, "customerId": "c-1", "status": status, "items": items, **members}


def deliver_once():
    """One round of the dispatcher, in this thread; how many requests went out."""
    Lane.objects.filter(due_at__isnull=False, lease__isnull=True).update(due_at=timezone.now())
    Destination.objects.update(waits_until=None)
    sent = claim_requests(1000, most=1000)
    for one in sent:
        began, request_id = timezone.now(), uuid.uuid4()
        outcomes = channels()["orderflow"].send(one.request)
        record(
            [
                CompletedAttempt(delivery, one.request.destination, one.lease, outcome, request_id, began, 1.0)
                for delivery, outcome in zip(one.request.deliveries, outcomes, strict=True)
            ]
        )
    return len(sent)


def die_after_sending():
    """A dispatcher that sends and is killed before it records: its leases run out."""
    for one in claim_requests(1000, most=1000):
        channels()["orderflow"].send(one.request)
    Lane.objects.filter(lease__isnull=False).update(due_at=DatabaseClock().now(-1))


def call_limit_passes():
    """Whatever was sent so far without an answer has arrived or never will."""
    ago = timedelta(seconds=CALL_SECONDS)
    WarehouseOrder.objects.update(import_sent_at=F("import_sent_at") - ago, cancel_sent_at=F("cancel_sent_at") - ago)


def deliver(rounds=20):
    """Until nothing is due any more."""
    until = time.monotonic() + 20
    while rounds and deliver_once() and time.monotonic() < until:
        rounds -= 1


def fates(order_id="1001"):
    """(kind, status) of an order's deliveries in line."""
    return list(
        Delivery.objects.filter(lane__customer_order_id=order_id)
        .order_by("lane", "position")
        .values_list("kind", "status")
    )


def place(order_id="1001", unit="store-1"):
    return WarehouseOrder.objects.get(customer_order_id=order_id, business_unit_id=unit)


def held(site):
    """{reference: {product: quantity}} of the orders that are open at the warehouse."""
    return {
        order.reference: {line.product: line.quantity for line in order.lines}
        for order in site.site.orders.values()
        if order.open
    }


def posts(site, what="importitems"):
    return [call for call in site.calls if call.method == "POST" and what in call.target]


def error(order_id="1001"):
    return Delivery.objects.filter(lane__customer_order_id=order_id).order_by("-position").first().error
