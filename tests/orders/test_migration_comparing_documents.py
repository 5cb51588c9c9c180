"""Two documents of one order, member by member."""

import copy
from decimal import Decimal

import pytest

from orders.cutover.comparison.documents import Found, compared, value_inside
from orders.documents import load
from tests.orders.sample_orders import FULL, LEAST, at, places, with_value


def found(there, here):
    return [(one.member, one.kind) for one in compared(there, here)]


@pytest.mark.parametrize("order", [LEAST, FULL])
def test_a_document_matches_itself_whatever_the_order_of_its_members(order):
    assert compared(order, dict(reversed(copy.deepcopy(order).items()))) == []


LEAVES = [path for path in places() if not isinstance(at(FULL, path), dict | list)]
OWN_IDS = {"itemId", "discountId"}


@pytest.mark.parametrize("path", LEAVES, ids=str)
def test_every_member_is_compared(path):
    other = "other" if isinstance(at(FULL, path), str) else 7
    if path[-1] in OWN_IDS or path[-2:] == (0, "id"):
        kinds = {"missing here", "missing there"}  # another id is another entry
        path = path[:-1]
    else:
        kinds = {"value"}
    member = "".join("/*" if isinstance(part, int) else f"/{part}" for part in path)
    spoilt = (
        with_value(path, {**at(FULL, path), "itemId": "x", "discountId": "x", "id": "x"})
        if kinds != {"value"}
        else (with_value(path, other))
    )
    assert {(member, kind) for kind in kinds} == set(found(spoilt, FULL))


@pytest.mark.parametrize(
    ("there", "here", "kind"),
    [
        (Decimal("19.90"), Decimal("19.9"), "digits"),
        (1, Decimal("1.0"), "digits"),
        (Decimal("19.90"), Decimal("19.90"), ""),
        (Decimal("1E+2"), 100, ""),
        (Decimal("19.91"), Decimal("19.90"), "value"),
        (10**30, Decimal(10**30), ""),
    ],
)
def test_the_same_number_with_other_digits_differs_from_another_number(there, here, kind):
    price = ("items", 0, "unitPrice")
    expected = [("/items/*/unitPrice", kind)] if kind else []
    assert found(with_value(price, there), with_value(price, here)) == expected


@pytest.mark.parametrize(
    ("there", "kind"),
    [
        ("2026-11-20T09:00:00Z", "instant"),
        ("2026-11-20T10:00:01+01:00", "value"),
        ("soon", "value"),
    ],
)
def test_the_same_time_written_otherwise_differs_from_another_time(there, kind):
    assert found({**FULL, "placedDateTime": there}, FULL) == [("/placedDateTime", kind)]


def test_what_is_missing_names_the_place():
    without = {name: value for name, value in FULL.items() if name != "case"}
    assert found(without, FULL) == [("/case", "missing there")]
    (one,) = compared(FULL, without)
    assert (one.kind, one.here, load(one.there)) == ("missing here", "", {"case": FULL["case"]})


def line(item, price=1):
    return {"itemId": item, "quantityOrdered": 1, "unitPrice": price}


def lines(*given):
    return {**LEAST, "items": list(given)}


def test_lines_belong_together_by_their_item():
    there, here = lines(line("a"), line("b", 2), line("c")), lines(line("b"), line("a"))
    assert set(found(there, here)) == {
        ("/items", "sequence"), ("/items/*/unitPrice", "value"), ("/items/*", "missing here"),
    }  # fmt: skip
    by_kind = {one.kind: one for one in compared(there, here)}
    assert by_kind["value"].pointer == "/items/0/unitPrice"
    assert by_kind["sequence"].there == '{"items":["a","b","c"]}'


def test_lines_of_the_same_item_in_another_sequence_are_no_other_lines():
    there, here = lines(line("a"), line("a", 2)), lines(line("a", 2), line("a"))
    assert found(there, here) == [("/items", "sequence")]
    assert found(there, there) == []


def test_lines_of_the_same_item_are_compared_by_their_place():
    (one,) = compared(lines(line("a"), line("a", 2), line("a", 5)), lines(line("a"), line("a", 3), line("a", 4)))
    assert one == Found(
        "/items/*/unitPrice", "value", "/items/1/unitPrice",
        here='{"items":[{"unitPrice":3}]}', there='{"items":[{"unitPrice":2}]}', places=2,
    )  # fmt: skip
    assert (value_inside(one.here, one.pointer), value_inside(one.there, one.pointer)) == ("3", "2")


def test_no_more_lines_here_than_there():
    assert found(lines(line("a"), line("a")), lines(line("a"))) == [("/items/*", "missing here")]
    assert found(lines(), lines(line("a"), line("a"))) == [("/items/*", "missing there")]


def test_a_long_value_is_not_kept():
    (one,) = compared({**LEAST, "customer": {"name": "x" * 5_000}}, LEAST)
    assert one.there == '{"customer":"(5,011 characters; open the order to read them)"}'


def test_what_was_erased_here_is_no_difference_and_does_not_come_back():
    erased = {
        **FULL,
        "customer": dict.fromkeys(FULL["customer"], "erased"),
        "deliveryAddress": {**dict.fromkeys(FULL["deliveryAddress"], "erased"), "countryCode": "XX"},
        "invoicePaymentInstructions": {
            **FULL["invoicePaymentInstructions"],
            "customerAccountId": "erased",
            "additionalInformation": [dict.fromkeys(("id", "value", "displayText", "receiptLabel"), "erased")],
        },
    }
    assert compared(FULL, erased) == []
    assert found({**LEAST, "status": "X"}, {**LEAST, "status": "erased"}) == [("/status", "value")]
