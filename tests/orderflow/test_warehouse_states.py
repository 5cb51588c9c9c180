"""The table of the warehouse's states, read by its laws."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orderflow.imports.unanswered import Unanswered
from orderflow.imports.warehouse_states import TRANSITIONS, Evidence, Holding, Names, State, learned

PAIRS = [(before, evidence) for evidence, row in TRANSITIONS.items() for before in row]
PROVES_ABSENCE = {
    ("absent", "NOTHING_DONE"),
    ("absent", "REFUSED"),
    ("cancelled", "REFUSED"),
    ("unknown", "NOT_FOUND"),
    ("unlisted", "NOT_FOUND"),
}
NO_ANSWER = {Evidence.IMPORT_GOES_OUT, Evidence.REPLACEMENT_BEGINS, Evidence.NO_VERDICT, Evidence.CANCEL_NO_VERDICT}
PAGE = Path(__file__).parents[2] / "docs" / "design" / "warehouse-state.md"


def test_every_kind_of_evidence_has_its_row():
    assert set(TRANSITIONS) == set(Evidence)


def test_absence_is_proved_by_the_site_alone_and_by_a_refusal_only_where_none_was_before():
    proving = {(b.value, e.name) for b, e in PAIRS if TRANSITIONS[e][b].state == State.ABSENT}
    assert proving == PROVES_ABSENCE


def test_only_the_site_says_that_an_order_is_cancelled():
    proving = {e for b, e in PAIRS if TRANSITIONS[e][b].state == State.CANCELLED}
    assert proving == {Evidence.CANCEL_DONE, Evidence.CANCELLED_FOUND, Evidence.NOTHING_DONE}


@pytest.mark.parametrize("evidence", sorted(NO_ANSWER, key=lambda one: one.name))
def test_without_an_answer_it_is_unknown_what_the_warehouse_holds(evidence):
    assert {after.state for after in TRANSITIONS[evidence].values()} == {State.UNKNOWN}


def test_a_refused_resend_leaves_known_what_may_be_held():
    before = Holding(State.UNKNOWN, "first")
    assert learned(before, Evidence.REFUSED, digest="second") == before


def test_what_the_table_lacks_proves_nothing():
    after = learned(Holding(State.HELD, "first"), Evidence.NO_VERDICT, digest="second")
    assert (after.state, after.digest) == (State.UNKNOWN, "")


@pytest.mark.parametrize(("digest", "before", "after"), [("first", 1, 0), ("first", 2, 2), ("", 1, 1)])
def test_only_the_one_import_that_may_be_there_is_known_to_have_arrived_when_an_order_is_found(digest, before, after):
    holding = Holding(State.UNKNOWN, digest, Unanswered(before, datetime.now(UTC)))
    assert learned(holding, Evidence.OTHER_FOUND, digest="second").unanswered.imports == after


def test_an_answer_says_nothing_of_an_earlier_import():
    earlier = Unanswered(1, datetime.now(UTC))
    assert learned(Holding(State.UNKNOWN, "first", earlier), Evidence.IMPORTED, digest="first").unanswered == earlier


def test_the_design_page_has_the_table_of_the_code():
    assert documented() == {evidence.name: written(evidence) for evidence in Evidence}


def documented():
    """Evidence -> its cells, state by state."""
    rows = re.findall(r"^\| `([A-Z_]+)` \|[^|]*\|(.*)\|$", PAGE.read_text(), flags=re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}


def written(evidence):
    digests = {Names.THIS: " this", Names.BEFORE: " same", Names.NONE: ""}
    row = TRANSITIONS[evidence]
    return [f"{row[state].state.value}{digests[row[state].names]}" if state in row else "" for state in State]
