"""Dead events that a newer one has overtaken, in the admin: shown as such, filtered apart, cleared in one action."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orders.models import OperatorAction

pytestmark = [pytest.mark.django_db, pytest.mark.both]


@pytest.fixture
def two_dead(engine, settings, faults):
    """(dead and overtaken, dead and not)."""
    settings.HUB_EVENT_RETRY_SCHEDULE = []
    stale, fresh = engine.put("fault-1-stale"), engine.put("fault-1-fresh")
    engine.drain()
    settings.HUB_FAULT_INJECTION = False
    engine.put("fault-1-stale", status="FULFILLED")
    engine.drain()
    return stale, fresh


def test_overtaken_dead_events_are_marked_filtered_apart_and_cleared_in_one_action(root, two_dead, engine):
    stale, fresh = two_dead
    url = reverse("admin:orders_orderevent_changelist")
    everything = root.get(f"{url}?status=dead").content.decode()
    assert str(stale.pk) in everything
    assert str(fresh.pk) in everything
    assert everything.count("dead, overtaken</span>") == 1
    apart = root.get(f"{url}?status=overtaken").content.decode()
    assert str(stale.pk) in apart
    assert str(fresh.pk) not in apart
    chosen = {"action": "retry_dead", "_selected_action": [str(stale.pk)], "apply": "1", "reason": "overtaken"}
    assert root.post(f"{url}?status=overtaken", chosen).status_code == 200
    assert engine.statuses("fault-1-stale") == ["superseded", "applied"]
    assert engine.statuses("fault-1-fresh") == ["dead"]
    assert OperatorAction.objects.get().reason == "overtaken"
