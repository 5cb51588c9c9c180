"""A short drill in every test run. ``make chaos`` is the long one."""

from __future__ import annotations

import pytest

from tests.chaos.drill import Plan, run_on

pytestmark = [pytest.mark.needs_postgres]

SHORT = Plan(
    events=1_200,
    orders=60,
    seconds=10,
    away_seconds=3,
    blows=("cut_connections", "empty_redis", "restart_postgres", "take_redis_away"),
)


def test_nothing_is_lost_doubled_or_reordered_while_everything_is_killed(stage_servers, capsys):
    outcome = run_on(*stage_servers, SHORT)
    with capsys.disabled():
        print("", *outcome.lines(), sep="\n  ")
    assert outcome.violations == []
    assert len(outcome.notes.accepted) >= SHORT.events
    assert len(outcome.history.applied) >= SHORT.events
    assert outcome.kills >= 5
    assert [blow.what.replace(" ", "_") for blow in outcome.blows] == list(SHORT.blows)
    without_redis = outcome.answers_without_redis
    assert len(without_redis) >= 50
    assert max(without_redis) <= 1.0, "PUT must answer within 1 s while Redis is away"
