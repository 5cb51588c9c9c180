import time
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suppliers.order_data import parts
from suppliers.webhooks.events import Case

CASE = Case("u", "1001", "", "c.T", "contentClaim")


def naive_match(pattern, text):
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(naive_match(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and naive_match(pattern[1:], text[1:])


@given(st.text("ab*?[", max_size=7), st.text("abA[*?\n", max_size=7))
@settings(max_examples=600, deadline=None)
def test_a_pattern_matches_as_the_naive_oracle_says(pattern, item_id):
    assert parts.matches(pattern, item_id) == naive_match(pattern, item_id)


@given(st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_a_star_matches_all_and_an_id_without_wildcards_matches_itself(item_id):
    assert parts.matches("*", item_id)
    if not set("*?") & set(item_id):
        assert parts.matches(item_id, item_id)
        assert not parts.matches(item_id, item_id + "x")


@pytest.mark.parametrize(
    ("pattern", "item_id", "expected"),
    [
        ("BEAN-*", "BEAN-1", True),
        ("BEAN-*", "BEAN-", True),
        ("BEAN-*", "bean-1", False),
        ("BEAN-*", "XBEAN-1", False),
        ("BEAN-?", "BEAN-", False),
        ("BEAN-?", "BEAN-1", True),
        ("BEAN-?", "BEAN-12", False),
        ("[AB]*", "A1", False),
        ("[AB]*", "[AB]1", True),
        ("[!A]", "B", False),
        ("a.c", "abc", False),
        ("*", "", True),
        ("*ø?", "xøl", True),
        ("\\?", "\\a", True),
        ("\\?", "?", False),
        ("a*", "a\nb", True),
        ("a", "a\n", False),
    ],
)
def test_only_star_and_question_mark_mean_something(pattern, item_id, expected):
    assert parts.matches(pattern, item_id) is expected


def test_a_hostile_pattern_stays_quick():
    started = time.perf_counter()
    assert not parts.matches("*a" * 60 + "b", "a" * 128)
    assert time.perf_counter() - started < 0.1


def test_a_line_belongs_to_the_first_supplier_in_file_order():
    claims = [parts.Claim("beans", ["BEAN-*"]), parts.Claim("all", ["PEA-*", "*-1"]), parts.Claim("none", ["ZZZ"])]
    items = [{"itemId": name} for name in ("BEAN-1", "PEA-2", "X", "OAT-1", "BEAN-2")]
    assert parts.split(items, claims) == {
        "beans": [items[0], items[4]],
        "all": [items[1], items[3]],
        None: [items[2]],
    }
    assert parts.split(items, claims[::-1])["all"] == [items[0], items[1], items[3]]
    assert parts.split([], claims) == {}


def line(quantity, price, *discounts):
    item = {"itemId": "A", "quantityOrdered": quantity, "unitPrice": price}
    if discounts:
        item["discounts"] = [{"discountAmount": amount} for amount in discounts]
    return item


@pytest.mark.parametrize(
    ("item", "total"),
    [
        (line(100, Decimal("19.90")), "1990.00"),
        (line(Decimal("1.5"), Decimal("0.1"), Decimal("0.05"), 1), "-0.90"),
        (line(0, 5), "0"),
        (line(-2, Decimal("3.5"), Decimal("-1")), "-6.0"),
        (line(int("9" * 30), Decimal("9" * 30)), str(int("9" * 30) ** 2)),
        (line(Decimal("1E-30"), Decimal("1E-30")), "0." + "0" * 59 + "1"),
        (line(Decimal("1E+30"), Decimal("1E+30"), Decimal("1E-30")), str(10**60 - 1) + "." + "9" * 30),
    ],
)
def test_a_line_total_is_exact(item, total):
    assert format(parts.line_total(item), "f") == total


@given(
    st.lists(
        st.tuples(
            *[st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)] * 3
        ),
        max_size=8,
    )
)
@settings(max_examples=100, deadline=None)
def test_the_order_total_is_the_exact_sum_of_its_lines(rows):
    items = [line(*row) for row in rows]
    document = {"customerOrderId": "1", "status": "CREATED"}
    answer = parts.visible_order(document, items, business_unit_id="b")
    with localcontext(prec=200):
        assert answer["totalPrice"] == sum((q * p - d for q, p, d in rows), Decimal(0))


def test_a_supplier_sees_its_lines_and_nothing_of_the_payment():
    document = {
        "customerOrderId": "1001",
        "customerId": "c-77",
        "status": "CREATED",
        "minimumDownPaymentAmount": 100,
        "invoicePaymentInstructions": {"customerAccountId": "acc-5"},
        "currencyId": "DKK",
        "placedDateTime": "2026-11-20T08:00:00Z",
        "customer": {"name": "Ann", "accountNumber": "secret", "email": "a@example.com"},
        "deliveryAddress": {"name": "Ann", "line1": "Road 1", "city": "Town", "postalCode": "1", "countryCode": "DK"},
        "items": [],
    }
    mine = line(2, Decimal("19.90"), Decimal("0.80")) | {"itemName": "Beans", "contributedAmount": 5}
    visible = parts.visible_order(document, [mine], business_unit_id="store-1")
    answer = parts.order_data(visible, order_token="T", case=CASE, supplier_status=None)
    assert answer == {
        "orderToken": "T",
        "customerOrderId": "1001",
        "businessUnitId": "store-1",
        "status": "CREATED",
        "currencyId": "DKK",
        "placedDateTime": "2026-11-20T08:00:00Z",
        "case": CASE.as_json(),
        "customer": {"name": "Ann", "email": "a@example.com"},
        "deliveryAddress": document["deliveryAddress"],
        "items": [
            {
                "itemId": "A",
                "itemName": "Beans",
                "quantityOrdered": 2,
                "unitPrice": Decimal("19.90"),
                "totalPrice": Decimal("39.00"),
            }
        ],
        "totalPrice": Decimal("39.00"),
        "supplierStatus": None,
    }
    assert tuple(answer) == parts.ANSWER_MEMBERS


def test_absent_members_are_left_out_and_no_line_is_an_empty_list():
    visible = parts.visible_order(
        {"customerOrderId": "1", "status": "CANCELLED", "customer": None}, [], business_unit_id="b"
    )
    status = {"status": "packed", "updatedAt": "2026-11-20T08:00:00Z"}
    answer = parts.order_data(visible, order_token="T", case=CASE, supplier_status=status)
    assert list(answer) == [
        "orderToken", "customerOrderId", "businessUnitId", "status", "case", "items", "totalPrice", "supplierStatus",
    ]  # fmt: skip
    assert answer["items"] == []
    assert answer["totalPrice"] == 0
    assert answer["supplierStatus"] == status


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": Decimal("19.90"), "b": 1}, {"b": Decimal("1.0"), "a": Decimal("19.9")}, True),
        ({"a": 100}, {"a": Decimal("1E+2")}, True),
        ({"a": 0}, {"a": Decimal("-0.00")}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": "number 1"}, {"a": 1}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": None}, {}, False),
    ],
)
def test_a_digest_is_of_the_value_and_not_of_its_spelling(one, other, same):
    assert (parts.value_digest(one) == parts.value_digest(other)) is same
