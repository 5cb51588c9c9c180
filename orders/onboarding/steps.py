"""The steps of the onboarding page after the tenant itself: the core's own and those of the integrations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from orders.integrations import integrations
from orders.integrations.onboarding_steps import Step
from orders.onboarding.client_step import ApiClients


@cache
def steps() -> Sequence[Step]:
    """In the order of their positions."""
    found = [ApiClients(), *(step for one in integrations() for step in one.onboarding_steps())]
    return sorted(found, key=lambda step: step.position)


def step_of(key: str) -> Step | None:
    return next((step for step in steps() if step.key == key), None)
