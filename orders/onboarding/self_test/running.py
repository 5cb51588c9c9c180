"""Running the trials: each timed, none begun after RUN_SECONDS, and the whole kept as one row."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from django.db import DatabaseError

from orders.integrations import integrations
from orders.integrations.self_test import (
    Outcome,
    Trial,
    TrialResult,
    failed,
    not_applicable,
)
from orders.models import SelfTest, Tenant
from orders.onboarding.self_test import core_checks
from orders.values.storable_text import storable

RUN_SECONDS = 60.0
"""A person waits for it. The longest single call, a webhook's, takes 30 s and may begin just before the end."""

KEPT = 20
"""Runs of a tenant: a report is sent on once, and last month's says nothing of today."""

log = structlog.get_logger("orderhub.selftest")


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    road: str
    step: str
    outcome: str
    detail: str
    next_step: str
    ms: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def meaning(self) -> str:
        """Its colour on the pages (orders.values.labels)."""
        return {Outcome.OK: "ok", Outcome.FAILED: "stopped"}.get(Outcome(self.outcome), "plain")


def self_test(tenant: Tenant, *, who: str) -> SelfTest:
    """Try every road and keep what came of it, with the KEPT newest. Calls the network: never inside a transaction."""
    began = time.monotonic()
    lines = try_roads(tenant, who=who)
    run = SelfTest.objects.create(
        tenant=tenant,
        who=who,
        ms=round((time.monotonic() - began) * 1000),
        failed=sum(line.outcome == Outcome.FAILED for line in lines),
        lines=[line.as_json() for line in lines],
    )
    kept = SelfTest.objects.filter(tenant=tenant).order_by("-pk").values_list("pk", flat=True)[:KEPT]
    SelfTest.objects.filter(tenant=tenant).exclude(pk__in=list(kept)).delete()
    return run


def try_roads(tenant: Tenant, *, who: str, only: Collection[str] = ()) -> list[SelfTestResult]:
    """One line per thing tried; ``only`` names roads, empty means all of them."""
    until = time.monotonic() + RUN_SECONDS
    lines = []
    for tests in (core_checks.trials, *(one.self_test for one in integrations())):
        with closing(tests(tenant, who=who)) as trials:
            lines += [_tried(trial, until) for trial in trials if not only or trial.road in only]
    return lines


def lines_of(run: SelfTest) -> list[SelfTestResult]:
    return [SelfTestResult(**line) for line in run.lines]


def _tried(trial: Trial, until: float) -> SelfTestResult:
    began = time.monotonic()
    found = _found(trial) if began < until else not_applicable(f"Not tried: {RUN_SECONDS:g} s were over. Run it again.")
    milliseconds = round((time.monotonic() - began) * 1000)
    detail = storable(found.detail)
    return SelfTestResult(trial.road, trial.step, found.outcome.value, detail, found.next_step, milliseconds)


def _found(trial: Trial) -> TrialResult:
    try:
        return trial.act()
    except DatabaseError:
        raise
    except Exception as error:  # a fault of ours in one road must not hide what the others say
        log.error("self-test failed inside the hub", road=trial.road, step=trial.step, exc_info=error)
        return failed("The hub itself failed while trying it.", "Look at its log for this minute and report the fault.")
