"""However often a service answers off the contract, the timelines of its orders stay short."""

from __future__ import annotations

import pytest

from orders.models import TimelineEntry
from orders.values.problems import ExternalContract
from proxy import sources
from proxy.sources import ENTRIES_OF_ORDER, ENTRIES_OF_TENANT, LAST_ENTRY, ProxiedOrders


@pytest.fixture
def broken(tenant, basic, oms, monkeypatch):
    """Reads an order of a service whose every answer breaks the contract. In one window, however slow the machine."""
    monkeypatch.setattr(sources.ENTRIES_OF_ORDER.__class__, "_key", lambda self, caller: f"{self.name}:{caller!r}")
    for throttle in (ENTRIES_OF_ORDER, ENTRIES_OF_TENANT):
        throttle._own.clear()

    oms.fail(times=None, status=204)

    def read(order_id="1001"):
        with pytest.raises(ExternalContract):
            ProxiedOrders().get(tenant, "store-1", order_id)

    yield read
    for throttle in (ENTRIES_OF_ORDER, ENTRIES_OF_TENANT):
        throttle._own.clear()


def test_the_first_failed_reads_of_an_order_are_reported_and_the_last_of_them_is_marked(broken):
    for _ in range(ENTRIES_OF_ORDER.most * 3):
        broken()
    details = list(TimelineEntry.objects.order_by("pk").values_list("detail", flat=True))
    assert len(details) == ENTRIES_OF_ORDER.most
    assert [LAST_ENTRY in detail for detail in details] == [False] * (ENTRIES_OF_ORDER.most - 1) + [True]


def test_another_order_gets_entries_until_the_tenant_has_too_many(broken, monkeypatch):
    for number in range(ENTRIES_OF_ORDER.most + 1):
        broken(f"{number}")
    assert TimelineEntry.objects.count() == ENTRIES_OF_ORDER.most + 1
    for _ in range(ENTRIES_OF_TENANT.most):
        ENTRIES_OF_TENANT.count(str(TimelineEntry.objects.first().tenant_id))
    broken("fresh")
    assert not TimelineEntry.objects.filter(customer_order_id="fresh").exists()
