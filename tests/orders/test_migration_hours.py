"""When a tenant may be cut over is its own rule, on record; how far its backfill was is kept by the hour."""

from datetime import timedelta

import pytest

from orders.cutover import ledger
from orders.cutover.ledger_hours import COUNT_AGAIN, CountingLedgers, count
from orders.cutover.requirements import CutOverRule, RuleRefused, read_rule, rule_of, store_rule
from orders.database.clock import DatabaseClock
from orders.models import LedgerHour, Tenant
from orders.tasks import periodic_work

pytestmark = [pytest.mark.django_db, pytest.mark.both]

GIVEN = {"match_percent": "99.5", "hours": "48", "comparisons": " 100 ", "waiting_seconds": "30"}


@pytest.fixture
def tenant(make_tenant):
    return make_tenant("moving", "migrating")


def test_without_a_rule_of_its_own_a_tenant_has_the_defaults(tenant):
    assert rule_of(tenant) == CutOverRule(match_percent=99.9, hours=24, comparisons=500, waiting_seconds=60)


def test_a_rule_is_stored_and_stands_in_the_history_with_who_changed_it(tenant):
    stored = store_rule(tenant, read_rule(GIVEN), who="ann")
    assert rule_of(Tenant.objects.get()) == CutOverRule(99.5, 48, 100, 30) == rule_of(stored)
    version = tenant.history.first()
    assert (version.history_change_reason, version.cut_over_rule["hours"]) == ("cut-over rule, ann", 48)
    assert store_rule(tenant, CutOverRule(), who="ann").cut_over_rule is None


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("match_percent", "89.9", "The match rate must be a number from 90 to 100."),
        ("match_percent", "nan", "The match rate must be a number from 90 to 100."),
        ("hours", "1.5", "The number of hours must be a whole number from 1 to 168."),
        ("comparisons", "", "The number of comparisons must be a whole number from 1 to 1,000,000."),
        ("waiting_seconds", "4", "The longest wait must be a whole number from 5 to 3,600."),
    ],
)
def test_a_number_out_of_bounds_is_refused_by_name(name, text, fault):
    with pytest.raises(RuleRefused) as refused:
        read_rule(GIVEN | {name: text})
    assert refused.value.faults == {name: fault}


def test_a_migrating_tenants_ledger_is_counted_into_its_hour_every_few_minutes(tenant, engine, make_tenant):
    make_tenant("quiet", "proxy")
    make_tenant("away", "migrating", active=False)
    ledger.add(tenant.pk, [("s", "a"), ("s", "b")], how="file")
    counting = CountingLedgers()
    assert counting.due()
    counting.run()
    assert not counting.due()
    hour = LedgerHour.objects.get()
    assert (hour.tenant, hour.known, hour.received) == (tenant, 2, 0)
    LedgerHour.objects.update(counted_at=DatabaseClock().now() - COUNT_AGAIN - timedelta(seconds=2))
    assert counting.due()
    assert any(isinstance(one, CountingLedgers) for one in periodic_work())


def test_an_hour_has_one_row_with_its_last_count(tenant):
    count(tenant)
    ledger.add(tenant.pk, [("s", "a")], how="file")
    count(tenant)
    assert [hour.known for hour in LedgerHour.objects.order_by("starts_at")][-1] == 1
    assert LedgerHour.objects.count() <= 2
