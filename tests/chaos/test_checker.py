"""The checker is worth something only if it falls on every kind of wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.checker import Accepted, Applied, History, Lost, Stored, Written, violations


def event_id(order, sequence):
    return f"{order}/{sequence}"


@pytest.fixture
def history() -> History:
    """Two orders of five events each; the first two events of each in one transaction, the others one by one."""
    stored, applied, written = [], [], []
    for order in ("a", "b"):
        for sequence in range(1, 6):
            transaction = {1: 2}.get(sequence, sequence)
            body = f"body {sequence}"
            stored.append(Stored(event_id(order, sequence), order, sequence, body, f"document {sequence}"))
            applied.append(Applied(len(applied), transaction, order, sequence, event_id(order, sequence), body))
            if sequence > 1:
                written.append(Written(len(applied), transaction, order, sequence, f"document {sequence}"))
    accepted = [Accepted(event.event_id, event.order, event.sequence, event.body) for event in stored]
    return History(accepted, stored, applied, written, {"a": (5, "document 5"), "b": (5, "document 5")})


def kinds(history):
    return {line.split(":")[0] for line in violations(history)}


def change(rows, order, sequence, **members):
    at = next(number for number, row in enumerate(rows) if (row.order, row.sequence) == (order, sequence))
    rows[at] = replace(rows[at], **members)


def test_a_faultless_history_has_no_violation(history):
    assert violations(history) == []


def test_events_of_one_transaction_may_be_noted_in_any_order(history):
    change(history.applied, "a", 1, position=1)
    change(history.applied, "a", 2, position=0)
    assert violations(history) == []


def test_a_planted_reorder_is_seen(history):
    change(history.applied, "a", 3, position=3)
    change(history.applied, "a", 4, position=2)
    assert violations(history) == ["order: event 3 of a was applied after event 4"]


def test_a_planted_order_rolled_back_to_an_older_event_is_seen(history):
    at = [write.sequence for write in history.written].index(5)
    history.written.append(replace(history.written[at], position=99, sequence=3, document="document 3", transaction=9))
    history.final["a"] = (3, "document 3")
    assert {"written", "final"} <= kinds(history)


def test_a_planted_loss_before_storing_is_seen(history):
    history.stored = [event for event in history.stored if (event.order, event.sequence) != ("b", 5)]
    history.applied = [event for event in history.applied if (event.order, event.sequence) != ("b", 5)]
    history.written = [write for write in history.written if (write.order, write.sequence) != ("b", 5)]
    history.final["b"] = (4, "document 4")
    assert violations(history) == ["lost: event 5 of b (b/5) was accepted and is not stored"]


def test_a_planted_loss_in_the_middle_is_seen_as_a_gap_too(history):
    history.stored = [event for event in history.stored if (event.order, event.sequence) != ("b", 3)]
    assert {"lost", "gap"} <= kinds(history)


def test_a_planted_loss_before_applying_is_seen(history):
    history.applied = [event for event in history.applied if (event.order, event.sequence) != ("a", 1)]
    assert violations(history) == ["lost: event 1 of a (a/1) was not applied, it is applied"]


@pytest.mark.parametrize("status", ["pending", "dead", "superseded", "discarded"])
def test_an_event_left_with_another_status_is_seen(history, status):
    change(history.stored, "a", 2, status=status)
    assert violations(history) == [f"lost: event 2 of a (a/2) was not applied, it is {status}"]


def test_an_event_stored_with_another_body_or_sequence_is_seen(history):
    change(history.accepted, "a", 2, body="something else")
    assert kinds(history) == {"lost"}


def test_a_planted_double_is_seen(history):
    twice = next(event for event in history.applied if (event.order, event.sequence) == ("a", 5))
    history.applied.append(replace(twice, position=99))
    assert violations(history) == ["doubled: event 5 of a (a/5) was applied 2 times"]


def test_a_planted_double_of_an_older_event_is_a_reorder_too(history):
    twice = next(event for event in history.applied if (event.order, event.sequence) == ("a", 2))
    history.applied.append(replace(twice, position=99, transaction=99))
    assert {"doubled", "order", "written"} == kinds(history)


def test_a_wrong_final_document_is_seen(history):
    history.final["b"] = (5, "document 4")
    assert kinds(history) == {"final"}


def test_an_order_written_with_the_document_of_another_event_is_seen(history):
    change(history.written, "a", 3, document="document 2")
    assert kinds(history) == {"written"}


def test_a_change_that_was_none_is_seen(history):
    change(history.stored, "a", 3, changed=False)
    assert kinds(history) == {"changed"}


def test_an_attempt_counted_for_less_than_three_lost_workers_is_seen(history):
    change(history.stored, "a", 3, attempts=2)
    history.lost += [Lost("a", 2), Lost("a", 2), Lost("a", 3)]
    assert kinds(history) == {"attempt"}
    history.lost.append(Lost("a", 2))
    assert violations(history) == []
