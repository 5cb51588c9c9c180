"""A few of the faults in every test run, briefly; ``make chaos`` tries all of them for longer."""

from __future__ import annotations

import pytest

from tests.chaos import faults_postgres
from tests.chaos.faults import FAULTS
from tests.chaos.trial import Pace, stage_on

pytestmark = [pytest.mark.long, pytest.mark.needs_postgres]

MODULES = (faults_postgres,)
SHORT = {"connections-cut": 1.0, "statement-timeout": 1.5, "disk-full": 1.5}


def test_a_fault_loses_doubles_and_reorders_nothing_and_is_over_when_it_ends(stage_servers, capsys):
    with stage_on(*stage_servers, pace=Pace(before=1.0, after=1.0)) as stage:
        for name, seconds in SHORT.items():
            verdict = stage.try_out(FAULTS[name], seconds=seconds)
            with capsys.disabled():
                print(f"\n  {name}: {verdict.applied} applied, {verdict.skipped or verdict.cost}")
            assert verdict.violations == ()
            if not verdict.skipped:
                assert verdict.applied >= verdict.accepted > 50
                assert verdict.cost.puts_after < 15
                assert verdict.cost.applied_after < 25
