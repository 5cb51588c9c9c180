"""A little of everything for the admin's pages, with values from outside that must never come out unescaped."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import timezone

from orders.access.clients import ClientEntry, save_client
from orders.access.sealing import store_secret
from orders.database.ids import new_id
from orders.models import Delivery, DeliveryAttempt, Destination, Lane, OperatorAction, OrderEvent, Tenant
from orders.telemetry import timeline_entries

ASKED = re.compile(r'name="agreed" value="([^"]+)"')


def agreed(client, path, data):
    """Post a form; where the page shows what would change and asks, press its button. The last answer."""
    answer = client.post(path, data)
    found = ASKED.search(answer.content.decode())
    return client.post(path, {"agreed": found[1]}) if found else answer


EVIL = "<script>alert(1)</script>"
SECRET = "very-secret-value-of-a-client-0123456789"


@pytest.fixture
def root(client, db):
    client.force_login(User.objects.create_superuser("root", password="root"))
    return client


@pytest.fixture
def furnished(engine, faults):
    """One tenant with a client, a supplier's destination, an applied and a dead order, deliveries of every status."""
    tenant = engine.tenant
    api_client = save_client(
        tenant, ClientEntry(client_id="acme-oms", scopes=["customer-orders:read"], client_secret=SECRET)
    ).client
    store_secret(tenant_id=tenant.pk, kind="password", owner="orders.tenant:1", value=SECRET)
    beans = Destination.objects.create(tenant=tenant, channel="supplier", name="beans")
    engine.put(customer=EVIL)
    engine.put("fault-always-1")
    with override_settings(HUB_EVENT_RETRY_SCHEDULE=[]):
        engine.drain_through_retries()
    deliveries = _deliveries(engine, beans)
    timeline_entries.record(engine.key(), source="supplier", what=f"Beans fetched {EVIL}", detail=EVIL)
    OperatorAction.objects.create(
        **engine.key()._asdict(), who="maria", action="retry", subject=f"delivery:{deliveries[0].pk}", reason=EVIL
    )
    engine.api_client, engine.beans, engine.deliveries = api_client, beans, deliveries
    engine.dead = OrderEvent.objects.get(status="dead")
    return engine


def _deliveries(engine, destination):
    now = timezone.now()
    statuses = ("pending", "delivered", "dead", "superseded", "discarded")
    lane = Lane.objects.create(
        destination=destination, key=f"order:{engine.queue().pk}", last_position=5, due_at=now, **engine.key()._asdict()
    )
    made = []
    for position, status in enumerate(statuses, 1):
        made.append(
            Delivery.objects.create(
                lane=lane,
                destination=destination,
                tenant=engine.tenant,
                position=position,
                kind="order_created",
                payload='{"eventType": "order_created", "price": 19.90}',
                reference=f"TOKEN-{position}",
                status=status,
                error=EVIL,
                finished_at=None if status == "pending" else now,
            )
        )
        DeliveryAttempt.objects.create(
            delivery=made[-1],
            number=1,
            request_id=new_id(),
            started_at=now - timedelta(minutes=1),
            duration_ms=35,
            verdict="unavailable",
            detail=EVIL,
            response_status=503,
            response_cut=EVIL,
        )
    return made


@pytest.fixture
def bound(client, furnished):
    """A tenant admin of another tenant than the furnished one's."""
    from orders.access.staff import TENANT_ADMIN, give_role

    other = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    user = give_role("bolt-admin", role=TENANT_ADMIN, tenant=other, password="pass-of-bolt").user
    client.force_login(user)
    return client
