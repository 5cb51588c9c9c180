"""What a road brings to the self-test: things to try, each of which says what it found.

An app adds its roads by a callable in ``settings.SELF_TEST`` (see ``Roads``). Trials are made one after the other, so
a generator may hold something open while its trials run.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from orders.models import Tenant

CHECK_ID = "orderhub-check"
"""Business unit and order asked for where there is no order yet: nobody has it, so "unknown" is the right answer."""


class Outcome(enum.StrEnum):
    OK = "ok"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one thing tried. ``next_step`` says what to do about a failure."""

    outcome: Outcome
    detail: str
    next_step: str = ""


def ok(detail: str) -> Found:
    return Found(Outcome.OK, detail)


def failed(detail: str, next_step: str) -> Found:
    return Found(Outcome.FAILED, detail, next_step)


def not_applicable(because: str) -> Found:
    return Found(Outcome.NOT_APPLICABLE, because)


@dataclass(frozen=True, slots=True)
class Trial:
    """``act`` may call the network, within bounds of its own, and raises nothing for what a partner does."""

    road: str
    step: str
    act: Callable[[], Found]


class Roads(Protocol):
    def __call__(self, tenant: Tenant, *, who: str) -> Generator[Trial, None, None]: ...


def roads() -> list[Roads]:
    """The core's own first, then those of the apps in the order of the settings."""
    return [import_string(path) for path in settings.SELF_TEST]
