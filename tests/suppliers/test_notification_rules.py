import itertools

import pytest

from suppliers.webhooks.events import EVENT_TYPES
from suppliers.webhooks.notification_rules import LastNotified, Share, required_events

ALL = frozenset(EVENT_TYPES)
STATUSES = ("CREATED", "IN_PROGRESS", "CANCELLED", "FULFILLED")


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("has_lines", [True, False])
def test_order_created_is_required_for_a_line_of_theirs_in_an_open_order(status, has_lines):
    due = required_events(None, Share(status, has_lines, "d"), subscribed=ALL)
    expected = "order_created" if has_lines and status in ("CREATED", "IN_PROGRESS") else None
    assert due.event_type == expected
    assert bool(due.because) is (expected is None)


@pytest.mark.parametrize(
    ("cancelled", "had_lines", "status", "has_lines", "same"),
    list(itertools.product([True, False], [True, False], STATUSES, [True, False], [True, False])),
)
def test_what_is_required_after_order_created(cancelled, had_lines, status, has_lines, same):
    told = LastNotified(cancelled=cancelled, has_lines=had_lines, digest="old")
    due = required_events(told, Share(status, has_lines, "old" if same else "new"), subscribed=ALL)
    if (status == "CANCELLED" and not cancelled) or (had_lines and not has_lines):
        nothing_left = cancelled or not had_lines
        assert due.event_type == (None if nothing_left else "order_cancelled")
        assert due.because == ("the supplier was notified before that no line is left" if nothing_left else "")
    elif not same:
        assert due.event_type == "order_updated"
    else:
        assert due.event_type is None
        assert due.because == "nothing that the supplier may read has changed"


def test_a_line_that_comes_back_is_an_update():
    told = LastNotified(cancelled=False, has_lines=False, digest="empty")
    assert required_events(told, Share("CREATED", True, "full"), subscribed=ALL).event_type == "order_updated"


def test_the_status_words_of_the_rules_are_exact():
    assert required_events(None, Share("cancelled", True, "d"), subscribed=ALL).event_type == "order_created"


@pytest.mark.parametrize(
    ("told", "share", "missing"),
    [
        (LastNotified(False, True, "old"), Share("CREATED", True, "new"), "order_updated"),
        (LastNotified(False, True, "old"), Share("CANCELLED", True, "new"), "order_cancelled"),
    ],
)
def test_an_event_not_subscribed_to_is_not_required_and_the_timeline_reports_it(told, share, missing):
    due = required_events(told, share, subscribed=ALL - {missing})
    assert due.event_type is None
    assert due.because == f"the supplier does not subscribe to {missing}"
