"""docs/reference/errors.md and the problems of the code say the same, both ways."""

import re
from pathlib import Path

import pytest
from django.urls import get_resolver

from orders.values.problems import Problem

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "errors.md"
ROW = re.compile(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


def problems(base=Problem):
    """Every problem that any app can raise; the address table imports them all."""
    assert get_resolver().url_patterns
    found = {base.name: base.status} if base is not Problem else {}
    for problem in base.__subclasses__():
        if not problem.__module__.startswith("tests."):
            found |= problems(problem)
    return found


def documented():
    """Name -> (statuses of its section, cause, next step)."""
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return {
        name: ({int(status) for status in re.findall(r"\d{3}", section.partition("\n")[0])}, cause, step)
        for section in sections
        for name, cause, step in ROW.findall(section)
    }


def test_every_problem_stands_on_the_page_and_every_name_on_the_page_is_a_problem():
    assert set(documented()) == set(problems())


@pytest.mark.parametrize("name", sorted(documented()))
def test_a_problem_stands_under_its_status_with_cause_and_next_step(name):
    statuses, cause, step = documented()[name]
    assert problems()[name] in statuses
    assert cause.endswith(".")
    assert step.endswith(".")


def test_no_name_stands_twice():
    names = ROW.findall(PAGE.read_text())
    assert len(names) == len({name for name, _, _ in names})
