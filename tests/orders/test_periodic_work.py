"""Periodic work over tenants, rules, channels or kinds: what one fails at holds up no other."""

import importlib

import pytest
from django.db import OperationalError, connections

from orders.cutover.ledger_hours import CountingLedgers
from orders.cutover.release_work import Releasing
from orders.cutover.sampling import Sampling
from orders.dead_letters.bulk_runs import BulkRuns
from orders.integrations.periodic import each
from orders.models import AlertRule, OrderRelease, RepairRun, Retention, Tenant
from orders.monitoring.alerting.incidents import Alerting
from orders.retention import expired_rows
from orders.retention.history import RemovingHistory
from orders.tasks import periodic_work

pytestmark = pytest.mark.django_db

WORKS = {
    "retention.history.remove_batch": (RemovingHistory(), lambda one: Retention.objects.create(tenant=one, days=30)),
    "cutover.ledger_hours.count": (CountingLedgers(), lambda one: one),
    "cutover.sampling.compare_some": (Sampling(), lambda one: one),
    "cutover.release_work.work_on": (
        Releasing(), lambda one: OrderRelease.objects.create(tenant=one, who="ann", choice={})
    ),
    "dead_letters.bulk_runs.work": (
        BulkRuns(), lambda one: RepairRun.objects.create(tenant=one, verb="preview", words="all", who="ann")
    ),
    "monitoring.alerting.incidents.evaluate": (
        Alerting(), lambda one: AlertRule.objects.create(tenant=one, kind="dead", threshold=1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", WORKS)
def test_a_row_that_fails_holds_up_no_other_and_is_logged_with_what_to_do(place, monkeypatch, caplog):
    work, row_of = WORKS[place]
    moving = {"mode": "migrating", "external_url": "https://oms.example.com/api/v1", "compared_per_minute": 60}
    tenants = [Tenant.objects.create(slug=slug, name=slug, **moving) for slug in "ab"]
    rows = [row_of(tenant).pk for tenant in tenants]
    module, _, name = f"orders.{place}".rpartition(".")
    seen = []

    def broken(row):
        pk = getattr(row, "pk", row)
        seen.append(pk)
        if pk == rows[0]:
            raise LookupError("one row's trouble")

    monkeypatch.setattr(importlib.import_module(module), name, broken)
    assert work.due()
    work.run()
    assert sorted(seen) == rows
    [line] = [record.msg for record in caplog.records if record.name == "orderhub.periodic"]
    assert (line["event"], line["row"]) == ("periodic work failed for one row", str(rows[0]))
    assert line["what_to_do"].startswith("The next sweep tries it again")


def test_the_law_above_is_held_against_all_periodic_work_of_the_core():
    core = {type(work) for work in periodic_work() if type(work).__module__.startswith("orders.")}
    assert core == {type(work) for work, _ in WORKS.values()}


def test_a_kind_of_expired_rows_that_cannot_be_removed_keeps_no_other(monkeypatch):
    def broken():
        raise LookupError("no such thing")

    monkeypatch.setattr(expired_rows.counters, "remove_old", broken)
    monkeypatch.setattr(expired_rows, "_remove", lambda rows: 1)
    assert expired_rows.remove_expired() == 3


def test_an_absent_database_is_no_rows_fault(monkeypatch):
    monkeypatch.setattr(connections["default"], "is_usable", lambda: False)
    seen = []

    def away(row):
        seen.append(row)
        raise OperationalError("the connection is lost")

    with pytest.raises(OperationalError):
        each([1, 2], away)
    assert seen == [1]
