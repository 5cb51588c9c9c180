"""The judge of what partners hold, and the faults of partners in every test run, briefly."""

from __future__ import annotations

import pytest

from tests.chaos import faults_partners
from tests.chaos.faults import FAULTS
from tests.chaos.partners import supplier_violations, warehouse_violations
from tests.chaos.trial import Pace, stage_on

MODULES = (faults_partners,)
WANTED = {"a": ("CREATED", 2), "b": ("CANCELLED", 1)}


def test_a_warehouse_that_holds_what_is_wanted_is_well():
    assert warehouse_violations(WANTED, {"a": [2]}) == []


@pytest.mark.parametrize("held", [{}, {"a": [1]}, {"a": [2, 2]}, {"a": [2], "b": [1]}, {"a": [2], "c": [2]}])
def test_a_warehouse_that_holds_anything_else_is_reported(held):
    [told] = warehouse_violations(WANTED, held)
    assert told.startswith("warehouse: it holds ")


@pytest.mark.parametrize("told", [{"b": ("CANCELLED", 0)}, {"b": ("CANCELLED", 3)}, {}])
def test_a_supplier_that_knows_the_last_state_is_well(told):
    assert supplier_violations(WANTED, {"a": ("CREATED", 2)} | told) == []


@pytest.mark.parametrize("told", [{}, {"a": None}, {"a": ("CREATED", 1)}, {"a": ("CANCELLED", 0)}])
def test_a_supplier_that_knows_an_older_state_is_reported(told):
    [said] = supplier_violations(WANTED, told)
    assert said.startswith("supplier: it knows ")


@pytest.mark.parametrize("told", [None, ("CREATED", 1)])
def test_a_supplier_that_does_not_know_of_the_cancellation_is_reported(told):
    [said] = supplier_violations(WANTED, {"a": ("CREATED", 2), "b": told})
    assert said.endswith("of b, which is ('CANCELLED', 1)")


@pytest.mark.needs_postgres
def test_partners_hold_what_the_orders_say_though_answers_are_lost_and_workers_die(stage_servers, capsys):
    with stage_on(*stage_servers, pace=Pace(before=1.0, after=1.0)) as stage:
        verdict = stage.try_out(FAULTS["answers-lost"], seconds=5.0)
    with capsys.disabled():
        print(f"\n  {verdict.told}")
    assert verdict.violations == ()
    assert verdict.applied >= verdict.accepted > 50


@pytest.mark.long
@pytest.mark.needs_postgres
def test_a_killed_dispatchers_deliveries_go_on_within_half_a_minute(stage_servers, capsys):
    with stage_on(*stage_servers, pace=Pace(before=1.0, after=1.0)) as stage:
        verdict = stage.try_out(FAULTS["courier-kill"])
    with capsys.disabled():
        print(f"\n  {verdict.told}")
    assert verdict.violations == ()
