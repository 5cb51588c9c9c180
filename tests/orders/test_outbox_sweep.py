"""Outbound work whose wake was lost is found by outbound workers alone."""

import pytest
from django.conf import settings

from config.celery import app
from orders import tasks
from orders.models import Delivery, Tenant
from orders.queueing import wake_ups
from tests.orders.outbox import Outbox

pytestmark = [pytest.mark.django_db, pytest.mark.both]


def swept_queues():
    """The Celery queues to which the scheduler sends a sweep every second."""
    entries = [one for one in settings.CELERY_BEAT_SCHEDULE.values() if one["task"] == tasks.sweep.name]
    assert {entry["schedule"] for entry in entries} == {1.0}
    return [app.amqp.router.route(dict(entry.get("options", {})), entry["task"])["queue"].name for entry in entries]


def test_each_pool_sweeps_for_itself_so_that_a_busy_inbox_hides_no_delivery():
    assert sorted(swept_queues()) == sorted(wake_ups.TASKS)


def test_a_sweep_finds_a_delivery_whose_wake_was_lost(monkeypatch):
    outbox = Outbox(Tenant.objects.create(slug="acme", name="Acme", mode="events"))
    published = []
    monkeypatch.setattr(tasks, "publish", lambda queue, **_: published.append(queue))
    tasks.wake_what_is_due()
    assert published == []
    outbox.add_delivery("order_created")
    tasks.wake_what_is_due()
    assert published == ["outbound"]
    assert Delivery.objects.get().status == "pending"
