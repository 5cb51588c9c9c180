"""A few of the faults in every test run, briefly; ``make chaos`` tries all of them for longer."""

from __future__ import annotations

import pytest

from tests.chaos import faults_postgres, faults_processes, faults_redis
from tests.chaos.faults import FAULTS
from tests.chaos.trial import a_stage

pytestmark = [pytest.mark.needs_postgres, pytest.mark.xdist_group("chaos")]

MODULES = (faults_postgres, faults_processes, faults_redis)
SHORT = {"worker-kill": 2.5, "connections-cut": 1.5, "redis-flushall": 1.0, "statement-timeout": 2.0}


def test_a_fault_loses_doubles_and_reorders_nothing_and_is_over_when_it_ends(tmp_path, capsys):
    with a_stage(tmp_path) as stage:
        for name, seconds in SHORT.items():
            verdict = stage.try_out(FAULTS[name], seconds=seconds)
            with capsys.disabled():
                print(f"\n  {name}: {verdict.applied} applied, {verdict.cost}")
            assert (verdict.violations, verdict.skipped) == ((), "")
            assert verdict.applied >= verdict.accepted > 100
            assert verdict.cost.puts_after < 15
            assert verdict.cost.applied_after < 25
