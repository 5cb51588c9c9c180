"""The order in the documentation is the one that the recorder goes by."""

from __future__ import annotations

import re
from pathlib import Path

from django.apps import apps

from tests.locks.order import EXEMPT, PLACES, UNLEASED

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/design/locks.md").read_text()


def test_the_documented_places_are_those_of_the_recorder():
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", TEXT, re.MULTILINE)
    told = [(int(number), tuple(re.findall(r"`([^`]+)`", tables))) for number, tables in rows]
    assert told == [(place.number, place.tables) for place in PLACES]


def test_every_place_is_of_tables_that_there_are_and_no_table_has_two():
    named = [table for place in PLACES for table in place.tables]
    known = {model._meta.db_table for model in apps.get_models(include_auto_created=True)} | {"advisory", UNLEASED}
    assert len(named) == len(set(named))
    assert set(named) <= known


def test_what_is_exempt_is_there_and_documented():
    for path in EXEMPT:
        assert (ROOT / path).exists()
        assert f"`{path}`" in TEXT
