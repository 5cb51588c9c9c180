"""Run the trials of a self-test and store the results as one row."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from django.db import DatabaseError

from orders.integrations import integrations
from orders.integrations.self_test import Outcome, Trial, TrialResult, failed, not_applicable
from orders.models import SelfTest, Tenant
from orders.onboarding.self_test import core_checks
from orders.values.storable_text import storable

RUN_SECONDS = 60.0
"""No trial begins later, as a person waits. The longest trial, a webhook's, takes up to 30 s."""

KEPT = 20
"""Runs kept per tenant: old reports say nothing about today."""

log = structlog.get_logger("orderhub.selftest")


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    area: str
    step: str
    outcome: str
    detail: str
    next_step: str
    ms: int

    def as_json(self) -> dict[str, Any]:
        """As stored and exported, where ``area`` is the member ``road``."""
        stored = asdict(self)
        return {"road": stored.pop("area"), **stored}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> SelfTestResult:
        given = dict(stored)
        return cls(area=given.pop("road"), **given)

    @property
    def meaning(self) -> str:
        """Its colour on the pages (orders.values.labels)."""
        return {Outcome.OK: "ok", Outcome.FAILED: "stopped"}.get(Outcome(self.outcome), "plain")


def self_test(tenant: Tenant, *, who: str) -> SelfTest:
    """Run all trials and store the results; keeps the KEPT newest runs. Calls the network: never in a transaction."""
    began = time.monotonic()
    lines = run_trials(tenant, who=who)
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


def run_trials(tenant: Tenant, *, who: str, only: Collection[str] = ()) -> list[SelfTestResult]:
    """One result per trial; ``only`` names areas, empty means all."""
    until = time.monotonic() + RUN_SECONDS
    lines = []
    for tests in (core_checks.trials, *(one.self_test for one in integrations())):
        with closing(tests(tenant, who=who)) as trials:
            lines += [_tried(trial, until) for trial in trials if not only or trial.area in only]
    return lines


def lines_of(run: SelfTest) -> list[SelfTestResult]:
    return [SelfTestResult.from_json(line) for line in run.lines]


def _tried(trial: Trial, until: float) -> SelfTestResult:
    began = time.monotonic()
    found = _found(trial) if began < until else not_applicable(f"Not tried: {RUN_SECONDS:g} s were over. Run it again.")
    milliseconds = round((time.monotonic() - began) * 1000)
    detail = storable(found.detail)
    return SelfTestResult(trial.area, trial.step, found.outcome.value, detail, found.next_step, milliseconds)


def _found(trial: Trial) -> TrialResult:
    try:
        return trial.act()
    except DatabaseError:
        raise
    except Exception as error:  # a fault of ours in one trial must not hide the others' results
        log.error("self-test failed inside the hub", area=trial.area, step=trial.step, exc_info=error)
        return failed("The hub itself failed while trying it.", "Look at its log for this minute and report the fault.")
