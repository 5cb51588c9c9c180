"""External answers, search bodies (docs/reference/api.md#search), docs/reference/customer-order.md#status-words."""

import copy
from datetime import UTC, datetime

import pytest

from orders.documents import (
    Mismatch,
    SearchCriteria,
    check_answer,
    check_search_answer,
    parse_search,
    render,
    translate_status,
    validate_order,
)
from orders.values.problems import InvalidBody
from tests.orders.sample_orders import FULL, LEAST, LINE, OBJECTS, body, pointed, with_value

# External answers


@pytest.mark.parametrize("path", OBJECTS, ids=pointed)
@pytest.mark.parametrize("value", [1, None, {"deep": [1]}], ids=repr)
def test_an_unknown_member_of_an_answer_is_dropped_and_noted(path, value):
    checked = check_answer(body(with_value((*path, "x~/"), value)))
    assert checked.document == FULL
    assert checked.mismatches == ()
    assert checked.unknown == (f"/customerOrder{pointed(path)}/x~0~1",)
    found = {"1": "number", "None": "null"}.get(str(value), "object")
    assert checked.dropped[0].found == found


def test_an_answer_may_have_members_beside_the_order():
    checked = check_answer(render({"meta": {}, "customerOrder": LEAST}))
    assert (checked.document, checked.unknown) == (LEAST, ("/meta",))


def test_an_unknown_member_below_an_absent_optional_one_is_no_trouble():
    checked = check_answer(body({**LEAST, "case": None, "x": 1}))
    assert (checked.document, checked.unknown) == (LEAST, ("/customerOrder/x",))


def test_dropped_members_are_noted_up_to_a_hundred():
    checked = check_answer(body({**LEAST, **{f"x{number}": 1 for number in range(500)}}))
    assert (checked.document, len(checked.unknown)) == (LEAST, 100)


def test_an_answer_that_breaks_the_contract_is_reported_by_types_and_never_by_values():
    order = {**LEAST, "status": 5, "items": [{**LINE, "unitPrice": "secret"}], "x": 1}
    del order["customerId"]
    checked = check_answer(body(order))
    assert checked.document == {}
    assert checked.mismatches == (
        Mismatch("/customerOrder/customerId", "string", "nothing"),
        Mismatch("/customerOrder/status", "string", "number"),
        Mismatch("/customerOrder/items/0/unitPrice", "number", "string"),
    )


@pytest.mark.parametrize(
    ("text", "mismatch"),
    [
        (b"<html>", Mismatch("", "well-formed JSON", "malformed JSON", "invalid character (byte 0)")),
        (b'"\xff"', Mismatch("", "JSON in UTF-8", "other bytes")),
        (b'{"customerOrder":{"x":1,"x":1}}', Mismatch("/customerOrder/x", "each name once", "a name twice")),
        (b"[]", Mismatch("", "object", "array")),
        (b'{"customerOrders":[]}', Mismatch("/customerOrder", "object", "nothing")),
    ],
)
def test_an_answer_that_cannot_be_read_is_a_mismatch_and_no_exception(text, mismatch):
    assert check_answer(text).mismatches == (mismatch,)


def test_checking_leaves_the_given_value_alone():
    given_order = {**copy.deepcopy(FULL), "isLocked": None, "x": 1}
    before = copy.deepcopy(given_order)
    checked = validate_order(given_order, strict=False)
    assert (given_order, checked.unknown) == (before, ("/x",))
    assert "isLocked" not in checked.document


ROW = {"customerOrderId": "1", "customerId": "c", "status": "NEW"}


def test_a_search_answer_is_three_strings_per_order():
    answer = render({"customerOrders": [ROW, {**ROW, "total": 1}], "count": 2})
    checked = check_search_answer(answer)
    assert checked.document == {"customerOrders": [ROW, ROW]}
    assert set(checked.unknown) == {"/count", "/customerOrders/1/total"}
    assert check_search_answer(b'{"customerOrders":[]}').document == {"customerOrders": []}


@pytest.mark.parametrize("name", list(ROW))
@pytest.mark.parametrize("value", [1, None, "", "\x01"], ids=repr)
def test_one_bad_order_spoils_a_search_answer_with_its_pointer(name, value):
    checked = check_search_answer(render({"customerOrders": [ROW, {**ROW, name: value}]}))
    assert checked.document == {}
    assert [mismatch.pointer for mismatch in checked.mismatches] == [f"/customerOrders/1/{name}"]


# Search bodies


def test_search_criteria_are_read_in_utc():
    assert parse_search(b"{}") == SearchCriteria()
    text = {"customerId": "c", "customerOrderId": "1", "status": "NEW", "itemId": "i"}
    times = {name: f"2026-11-2{day}T10:00:00+01:00" for day, name in enumerate(["placedFrom", "placedTo"])}
    times |= {name: f"2026-11-2{day}T10:00:00Z" for day, name in enumerate(["updatedFrom", "updatedTo"])}
    assert parse_search(render({**text, **times})) == SearchCriteria(
        customer_id="c",
        customer_order_id="1",
        status="NEW",
        item_id="i",
        placed_from=datetime(2026, 11, 20, 9, tzinfo=UTC),
        placed_to=datetime(2026, 11, 21, 9, tzinfo=UTC),
        updated_from=datetime(2026, 11, 20, 10, tzinfo=UTC),
        updated_to=datetime(2026, 11, 21, 10, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (b'{"customer":"1"}', "/customer"),
        (b'{"customerId":111}', "/customerId"),
        (b'{"customerId":null}', "/customerId"),
        (b'{"customerId":["1"]}', "/customerId"),
        (b'{"customerId":""}', "/customerId"),
        (b'{"itemId":" 1"}', "/itemId"),
        (b'{"status":false}', "/status"),
        (b'{"placedFrom":"2026-11-20"}', "/placedFrom"),
        (b'{"updatedTo":1}', "/updatedTo"),
        (b'{"skip":1}', "/skip"),
        (b'{"status":"A","status":"B"}', "/status"),
        (b"[]", ""),
        (b"", ""),
    ],
)
def test_an_unknown_or_mistyped_criterion_is_refused(text, pointer):
    with pytest.raises(InvalidBody) as refused:
        parse_search(text)
    assert [fault.pointer for fault in refused.value.errors] == [pointer]


# Status words


def test_the_tenants_status_words_become_ours_and_others_pass():
    document = {**LEAST, "status": "NEW"}
    assert translate_status(document, {"NEW": "CREATED"}) == LEAST
    assert document["status"] == "NEW"
    assert render(translate_status(document, {"NEW": "CREATED"})) == render(LEAST)
    assert translate_status(document, {"OLD": "CREATED"}) is document
    assert translate_status({**LEAST, "status": "A"}, {"A": "B", "B": "C"})["status"] == "B"
