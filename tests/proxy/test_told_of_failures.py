"""However often a service answers off the contract, the timelines of its orders stay short."""

from __future__ import annotations

import pytest

from orders.models import TimelineEntry
from orders.values.problems import ExternalContract
from proxy import sources
from proxy.sources import LAST_TOLD, TOLD_OF_A_TENANT, TOLD_OF_AN_ORDER, ProxiedOrders


@pytest.fixture
def broken(tenant, basic, oms, monkeypatch):
    """Reads an order of a service whose every answer breaks the contract. In one window, however slow the machine."""
    monkeypatch.setattr(sources.TOLD_OF_AN_ORDER.__class__, "_key", lambda self, caller: f"{self.name}:{caller!r}")
    for throttle in (TOLD_OF_AN_ORDER, TOLD_OF_A_TENANT):
        throttle._own.clear()

    oms.fail(times=None, status=204)

    def read(order_id="1001"):
        with pytest.raises(ExternalContract):
            ProxiedOrders().get(tenant, "store-1", order_id)

    yield read
    for throttle in (TOLD_OF_AN_ORDER, TOLD_OF_A_TENANT):
        throttle._own.clear()


def test_the_first_failed_reads_of_an_order_are_told_and_the_last_of_them_says_so(broken):
    for _ in range(TOLD_OF_AN_ORDER.most * 3):
        broken()
    details = list(TimelineEntry.objects.order_by("pk").values_list("detail", flat=True))
    assert len(details) == TOLD_OF_AN_ORDER.most
    assert [LAST_TOLD in detail for detail in details] == [False] * (TOLD_OF_AN_ORDER.most - 1) + [True]


def test_another_order_is_told_of_until_the_tenant_has_too_many(broken, monkeypatch):
    for number in range(TOLD_OF_AN_ORDER.most + 1):
        broken(f"{number}")
    assert TimelineEntry.objects.count() == TOLD_OF_AN_ORDER.most + 1
    for _ in range(TOLD_OF_A_TENANT.most):
        TOLD_OF_A_TENANT.count(str(TimelineEntry.objects.first().tenant_id))
    broken("fresh")
    assert not TimelineEntry.objects.filter(customer_order_id="fresh").exists()
