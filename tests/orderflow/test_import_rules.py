"""What a change owes a warehouse, rule by rule (docs/design/outbox.md#required-deliveries)."""

import pytest

from orderflow.imports.import_rules import (
    CANCEL,
    CLOSE,
    IMPORT,
    Known,
    RequiredImport,
    Wanted,
    required_import,
)
from orders.documents.status_words import CANCELLED, FULFILLED

NEVER = Known()
UNSENT = Known(required=IMPORT, digest="a")
ARRIVED = Known(required=IMPORT, digest="a", arrived=True, present=True)
CHANGE_UNSENT = Known(required=IMPORT, digest="b", present=True)
WITHDRAWN = Known(required=CANCEL)
CLOSED_UNSENT = Known(required=CLOSE)


def due(known, *, status="CREATED", has_lines=True, digest="a", unchanged=False, updates=True, cancels=True):
    wanted = Wanted(status, has_lines, digest, unchanged=lambda: unchanged)
    return required_import(known, wanted, updates=updates, cancels=cancels)


@pytest.mark.parametrize("status", [CANCELLED, FULFILLED])
def test_an_order_that_ended_before_the_warehouse_got_it_requires_nothing(status):
    assert due(NEVER, status=status).kind == ""


def test_an_order_without_a_line_for_the_warehouse_requires_nothing():
    assert due(NEVER, has_lines=False) == RequiredImport(
        because="no line is for this warehouse, and it was never sent to the warehouse"
    )


def test_the_first_change_that_is_for_the_warehouse_requires_an_import():
    assert due(NEVER) == RequiredImport(IMPORT)


@pytest.mark.parametrize("known", [UNSENT, ARRIVED])
def test_the_same_import_is_not_required_twice(known):
    assert due(known, digest="a").kind == ""


@pytest.mark.parametrize("known", [UNSENT, ARRIVED, CHANGE_UNSENT])
def test_a_changed_import_is_required(known):
    assert due(known, digest="c") == RequiredImport(IMPORT)


def test_a_status_alone_never_requires_an_import_even_after_a_setting_changed():
    assert due(ARRIVED, digest="c", unchanged=True).kind == ""


@pytest.mark.parametrize("known", [UNSENT, ARRIVED, CHANGE_UNSENT])
def test_a_cancelled_order_requires_a_cancel(known):
    assert due(known, status=CANCELLED) == RequiredImport(CANCEL)


def test_a_cancel_is_required_once():
    assert due(WITHDRAWN, status=CANCELLED).kind == ""


def test_an_order_that_lost_its_last_line_for_the_warehouse_requires_a_cancel():
    assert due(ARRIVED, has_lines=False) == RequiredImport(CANCEL)


def test_an_order_that_comes_back_requires_an_import():
    assert due(WITHDRAWN, digest="a") == RequiredImport(IMPORT)
    assert due(CLOSED_UNSENT, digest="a") == RequiredImport(IMPORT)


def test_fulfilled_requires_nothing_of_what_arrived_and_closes_what_did_not():
    assert due(ARRIVED, status=FULFILLED) == RequiredImport(because="the order is fulfilled")
    assert due(UNSENT, status=FULFILLED) == RequiredImport(CLOSE)
    assert due(WITHDRAWN, status=FULFILLED).kind == ""


def test_ignoring_updates_leaves_alone_what_arrived_only():
    assert due(ARRIVED, digest="c", updates=False).kind == ""
    assert due(ARRIVED, has_lines=False, updates=False).kind == ""
    assert due(UNSENT, digest="c", updates=False) == RequiredImport(IMPORT)


def test_ignoring_cancels_leaves_alone_what_arrived_only():
    assert due(ARRIVED, status=CANCELLED, cancels=False).kind == ""
    assert due(UNSENT, status=CANCELLED, cancels=False) == RequiredImport(CANCEL)


def test_a_fulfilled_order_that_is_cancelled_after_all_is_withdrawn():
    """Also where nothing is known to stand: an import may have been claimed before the order was fulfilled."""
    assert due(Known(required=CLOSE, present=True), status=CANCELLED) == RequiredImport(CANCEL)
    assert due(CLOSED_UNSENT, status=CANCELLED) == RequiredImport(CANCEL)
