"""What a customer order is, and what is said of one that is not (docs/reference/customer-order.md#members)."""

import copy
import json
import pathlib
import subprocess
import sys
from decimal import Decimal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from orders.documents import SendingRules, load, parse_instant, read_put, render, stored_order, validate_order
from orders.documents.schema import CustomerOrderEnvelope
from orders.values.problems import InvalidBody
from tests.orders.sample_orders import FULL, GUID, LEAST, LINE, OBJECTS, at, body, places, pointed, with_value

OPTIONAL = {
    (): {"minimumDownPaymentAmount", "isLocked", "invoicePaymentInstructions", "currencyId", "placedDateTime"}
    | {"customer", "deliveryAddress", "case"},
    ("invoicePaymentInstructions",): {"additionalInformation"},
    ("items", 0): {"contributedAmount", "discounts", "itemName"},
    ("customer",): {"accountNumber", "email", "phone"},
    ("deliveryAddress",): {"line2", "phone", "email"},
}
IDS = [("customerOrderId",), ("customerId",), ("items", 0, "itemId")]
CODES = [
    ("status",),
    ("invoicePaymentInstructions", "customerAccountId"),
    ("invoicePaymentInstructions", "additionalInformation", 0, "id"),
    ("items", 0, "discounts", 0, "discountId"),
    ("case", "uuid"),
]


MEMBERS = [path for path in places() if isinstance(path[-1], str)]
TEXTS = [path for path in MEMBERS if isinstance(at(FULL, path), str)]
NUMBERS = [path for path in MEMBERS if type(at(FULL, path)) in (int, Decimal)]


def without(path):
    order = copy.deepcopy(FULL)
    del at(order, path[:-1])[path[-1]]
    return order


def is_optional(path):
    shape = tuple(0 if isinstance(part, int) else part for part in path[:-1])
    return path[-1] in OPTIONAL.get(shape, ())


def parse_put(text):
    return read_put(text, SendingRules({})).document["customerOrder"]


def faults(order):
    with pytest.raises(InvalidBody) as refused:
        parse_put(body(order))
    return {fault.pointer: fault.detail for fault in refused.value.errors}


# Whole orders


@pytest.mark.parametrize("order", [LEAST, FULL, {**LEAST, "items": []}])
def test_a_good_order_comes_out_as_it_went_in(order):
    assert parse_put(body(order)) == order
    assert render(parse_put(body(order))) == render(order)


def test_the_sample_order_keeps_its_digits():
    text = pathlib.Path(__file__).with_name("customer_order.json").read_bytes()
    assert b'"unitPrice":19.90}' in render(parse_put(text))


def test_members_are_answered_in_the_order_of_the_schema():
    assert render(parse_put(body(dict(reversed(FULL.items()))))) == render(FULL)


@pytest.mark.parametrize("path", MEMBERS, ids=pointed)
def test_a_member_is_needed_unless_the_schema_says_otherwise(path):
    if is_optional(path):
        assert parse_put(body(without(path))) == without(path)
    else:
        assert faults(without(path)) == {f"/customerOrder{pointed(path)}": _missing(path)}


def _missing(path):
    return f"A required member is missing: expected {_kind(at(FULL, path))}, found nothing."


def _kind(value):
    kinds = {str: "a string", bool: "a boolean", dict: "an object", list: "an array"}
    return kinds.get(type(value), "a number")


@pytest.mark.parametrize("path", MEMBERS, ids=pointed)
def test_null_is_absence_in_an_optional_member_and_a_fault_in_a_required_one(path):
    if is_optional(path):
        assert parse_put(body(with_value(path, None))) == without(path)
    else:
        expected = f"Expected {_kind(at(FULL, path))}, found null."
        assert faults(with_value(path, None)) == {f"/customerOrder{pointed(path)}": expected}


@pytest.mark.parametrize("value", ["100", 1, 0, Decimal("1.0"), True, False, [], {}], ids=repr)
@pytest.mark.parametrize("path", list(places()), ids=pointed)
def test_no_type_is_guessed(path, value):
    wanted, found = _kind(at(FULL, path)), _kind(value)
    if wanted == found:
        return
    assert faults(with_value(path, value)) == {f"/customerOrder{pointed(path)}": f"Expected {wanted}, found {found}."}


@pytest.mark.parametrize("path", OBJECTS, ids=pointed)
def test_an_unknown_member_of_a_put_is_left_out_with_a_warning_that_names_its_place(path):
    text = body(with_value((*path, "no/~such"), 1))
    arrived = read_put(text, SendingRules({}))
    place = f"/customerOrder{pointed(path)}/no~1~0such"
    assert [(one.pointer, one.detail) for one in arrived.warnings] == [
        (place, "Unknown member, found a number: left out of the order.")
    ]
    assert [one.pointer for one in arrived.unknown_members] == [place]
    assert arrived.document["customerOrder"] == stored_order(text) == FULL


def test_an_unknown_member_is_left_out_also_when_it_is_null_or_beside_the_order():
    arrived = read_put(render({"customerOrder": {**LEAST, "x": None}, "page": {}}), SendingRules({}))
    assert sorted(one.pointer for one in arrived.warnings) == ["/customerOrder/x", "/page"]
    assert arrived.document == {"customerOrder": LEAST}


@pytest.mark.parametrize("whole", [b"[]", b"1", b"null", b'"x"', b"true"])
def test_a_body_that_is_no_object_is_refused(whole):
    with pytest.raises(InvalidBody) as refused:
        parse_put(whole)
    assert [fault.pointer for fault in refused.value.errors] == [""]


def test_everything_wrong_is_said_at_once():
    order = {"customerId": None, "status": 5, "items": [1, {**LINE, "unitPrice": "1", "x": 1}], "currencyId": "dkk"}
    assert set(faults(order)) == {
        "/customerOrder/customerOrderId",
        "/customerOrder/customerId",
        "/customerOrder/status",
        "/customerOrder/items/0",
        "/customerOrder/items/1/unitPrice",
        "/customerOrder/items/1/x",
        "/customerOrder/currencyId",
    }


def test_a_hundred_faults_are_listed_and_the_rest_counted():
    listed = faults({**LEAST, "items": [1] * 1_000})
    assert len(listed) == 101
    assert listed[""] == "Expected no other mismatch, found 900 more, not listed."


def test_a_number_out_of_bounds_in_an_order_is_refused_where_it_stands():
    text = body(LEAST).replace(b"19.90", b"1e31")
    with pytest.raises(InvalidBody) as refused:
        parse_put(text)
    assert [fault.pointer for fault in refused.value.errors] == ["/customerOrder/items/0/unitPrice"]


@pytest.mark.parametrize("number", [float("nan"), 1.5, Decimal("NaN"), 10**31, Decimal("1e31")], ids=repr)
@pytest.mark.parametrize("path", NUMBERS, ids=pointed)
def test_a_value_from_elsewhere_gets_no_wild_number_past_the_check(path, number):
    (mismatch,) = validate_order(with_value(path, number), strict=True).mismatches
    assert (mismatch.pointer, mismatch.found) == (pointed(path), "number")


@pytest.mark.parametrize("number", [0, -5, Decimal("-0.5"), Decimal("0.00")])
@pytest.mark.parametrize("path", NUMBERS, ids=pointed)
def test_quantities_and_amounts_may_be_zero_or_negative(path, number):
    assert parse_put(body(with_value(path, number))) == with_value(path, number)


def test_an_order_has_at_most_2000_lines():
    assert len(parse_put(body({**LEAST, "items": [LINE] * 2_000}))["items"]) == 2_000
    expected = "Expected an array of at most 2,000 items, found another array."
    assert faults({**LEAST, "items": [LINE] * 2_001}) == {"/customerOrder/items": expected}


# Strings


@pytest.mark.parametrize("path", [*IDS, *CODES], ids=pointed)
def test_an_id_or_status_has_1_to_128_characters(path):
    for value in ("x", "\U0001f600" * 128):
        assert at(parse_put(body(with_value(path, value))), path) == value
    for value in ("", "x" * 129):
        assert list(faults(with_value(path, value))) == [f"/customerOrder{pointed(path)}"]


@pytest.mark.parametrize("path", IDS, ids=pointed)
@pytest.mark.parametrize("value", [" x", "x ", "\u00a0x", "x\u2003", ".", "..", "a\tb", "a\nb", "a\x7fb", "a\x85b"])
def test_an_id_in_an_order_is_an_id_of_the_contract(path, value):
    assert list(faults(with_value(path, value))) == [f"/customerOrder{pointed(path)}"]


OTHER_TEXTS = [
    path
    for path in TEXTS
    if path not in [*IDS, *CODES]
    and path[-1] not in ("currencyId", "placedDateTime", "countryCode", "token", "externalClaimId")
]


@pytest.mark.parametrize("path", OTHER_TEXTS, ids=pointed)
def test_any_other_string_has_0_to_2000_characters(path):
    for value in ("", "ø" * 2_000):
        assert at(parse_put(body(with_value(path, value))), path) == value
    assert list(faults(with_value(path, "x" * 2_001))) == [f"/customerOrder{pointed(path)}"]


@pytest.mark.parametrize("path", [*OTHER_TEXTS, ("status",)], ids=pointed)
def test_line_breaks_and_tabs_are_the_only_control_characters_of_a_text(path):
    assert at(parse_put(body(with_value(path, "a\r\n\tb"))), path) == "a\r\n\tb"
    for control in "\x01\x08\x0b\x0c\x0e\x1f\x7f\x80\x85\x9f":
        assert list(faults(with_value(path, f"a{control}b"))) == [f"/customerOrder{pointed(path)}"]


def test_u0000_in_an_order_is_refused_where_it_stands():
    assert list(faults({**LEAST, "status": "a\0"})) == ["/customerOrder/status"]


def test_a_lone_surrogate_from_elsewhere_is_refused():
    (mismatch,) = validate_order({**LEAST, "status": "\ud800"}, strict=True).mismatches
    assert mismatch.pointer == "/status"


def test_the_external_claim_id_may_be_empty_but_not_endless():
    path = ("case", "externalClaimId")
    assert at(parse_put(body(with_value(path, "x" * 128))), path) == "x" * 128
    assert list(faults(with_value(path, "x" * 129))) == ["/customerOrder/case/externalClaimId"]


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        (("currencyId",), ["EUR", "XXX"], ["eur", "EU", "EURO", "EUR\n", "ÉUR", ""]),
        (("deliveryAddress", "countryCode"), ["GB"], ["gb", "G", "GBR", "GB\n", ""]),
        (
            ("case", "token"),
            [f"c.{GUID}", f"c.{GUID.lower()}"],
            [GUID, f"C.{GUID}", f"c.{GUID}0", "c.", f"c.{GUID}\n", ""],
        ),
        (("status",), ["NEW", "Åben"], ["", "fulfilled"]),
        (("items", 0, "discounts", 0, "rewardType"), ["GLOBAL_ABSOLUTE", "whatever", ""], []),
        (("case", "caseType"), ["contentClaim", ""], []),
    ],
)
def test_formats_are_enforced_and_lists_of_values_are_not(path, good, bad):
    for value in good:
        assert at(parse_put(body(with_value(path, value))), path) == value
    for value in bad:
        assert list(faults(with_value(path, value))) == [f"/customerOrder{pointed(path)}"]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T10:00:00Z",
        "2026-11-20T10:00Z",
        "2026-11-20T10:00:00+01:00",
        "2026-11-20T10:00:00-0130",
        "2026-11-20T10:00:00+00",
        "2026-11-20T10:00:00.123456789Z",
        "2026-11-20T10:00:00,5Z",
        "20261120T100000Z",
        "2026-W47-5T10:00:00Z",
    ],
)
def test_a_time_with_a_zone_is_kept_as_it_was_spelled(text):
    assert parse_put(body({**LEAST, "placedDateTime": text}))["placedDateTime"] == text
    assert parse_instant(text).utcoffset().total_seconds() == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-20",
        "2026-11-20T10:00:00",
        "2026-11-20 10:00:00Z",
        "2026-11-20x10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20T10:60:00Z",
        "2026-11-20T10:00:00+25:00",
        "2026-11-20T10:00:00 Z",
        "2026-11-20T10:00:00Z\n",
        "٢٠٢٦-11-20T10:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "Fri, 20 Nov 2026 10:00:00 GMT",
        "2026-11-20T10:00:00." + "0" * 200 + "Z",
    ],
)
def test_a_time_without_a_zone_or_out_of_the_calendar_is_refused(text):
    assert list(faults({**LEAST, "placedDateTime": text})) == ["/customerOrder/placedDateTime"]


# Anything at all


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_an_order_with_anything_in_any_place_is_whole_or_refused(data):
    path = data.draw(st.sampled_from(list(places())))
    order = with_value(path, data.draw(ANYTHING))
    for strict in (True, False):
        checked = validate_order(order, strict=strict)
        assert bool(checked.mismatches) != bool(checked.document)
        assert all(fault.detail for fault in checked.faults)
        if checked.document:
            text = body(checked.document)
            assert parse_put(text) == checked.document
            assert render(load(text)) == text


@given(ANYTHING)
@settings(max_examples=200, deadline=None)
def test_anything_instead_of_an_order_is_refused(value):
    assert validate_order(value, strict=True).mismatches
    assert validate_order(value, strict=False).document == {}


def test_the_published_schema_takes_the_full_order_and_its_nulls():
    published = jsonschema.Draft202012Validator(TypeAdapter(CustomerOrderEnvelope).json_schema())
    plain = json.loads(body(FULL))
    assert published.is_valid(plain)
    assert published.is_valid({"customerOrder": {**plain["customerOrder"], "case": None}})
    assert published.is_valid({"customerOrder": {**plain["customerOrder"], "x": 1}})
    assert not published.is_valid({"customerOrder": {**plain["customerOrder"], "customerId": None}})


def test_the_document_model_imports_no_django():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, orders.documents; print('django' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
