"""What the state machines of hypothesis have in common: one transaction per example, and how many examples."""

from __future__ import annotations

import os

from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

EXAMPLES = int(os.environ.get("HUB_TEST_EXAMPLES", "50"))
FUZZING = "HUB_TEST_EXAMPLES" in os.environ
"""make fuzz: new seeds each time, and a failure is reduced; the suite has fixed seeds and reports the first failure."""


class InOneTransaction(RuleBasedStateMachine):
    """Each example is rolled back. Before that, unless it failed, everything pending is brought to its end."""

    def __init__(self):
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()

    def settle(self):
        raise NotImplementedError

    def teardown(self):
        try:
            if not transaction.get_connection().needs_rollback:
                self.settle()
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)


def run_machine(machine, *, examples, steps):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, examples),
            stateful_step_count=steps,
            deadline=None,
            derandomize=not FUZZING,
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=(Phase.generate, Phase.shrink) if FUZZING else (Phase.generate,),
        ),
    )
