"""pytest plugin: a tenant on its way from proxy to events."""

from datetime import timedelta

import pytest

from orders.cutover import ledger
from orders.cutover.requirements import CutOverRule, store_rule
from orders.database.clock import DatabaseClock
from orders.models import ComparisonHour, Tenant
from orders.onboarding.mode_change import switch_mode

URL = "https://oms.example.com/api/v1"


@pytest.fixture
def moving(engine):
    """Two orders known and received, 400 comparisons of which one was wrong; 99 % of 100 are asked for."""
    Tenant.objects.filter(pk=engine.tenant.pk).update(external_url=URL)
    engine.tenant = switch_mode(engine.tenant, "migrating", who="ops")
    store_rule(engine.tenant, CutOverRule(match_percent=99.0, comparisons=100), who="ops")
    engine.tenant.refresh_from_db()
    engine.put("a")
    engine.put("b")
    engine.drain()
    ledger.add(engine.tenant.pk, [("store-1", "a"), ("store-1", "b")], how="file")
    compared(engine.tenant, matched=399, wrong=1)
    return engine


def compared(tenant, *, hours_ago=0, way="read", **counts):
    at = (DatabaseClock().now() - timedelta(hours=hours_ago)).replace(minute=0, second=0, microsecond=0)
    return ComparisonHour.objects.create(tenant=tenant, starts_at=at, way=way, **counts)
