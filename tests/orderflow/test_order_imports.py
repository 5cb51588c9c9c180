"""An order of the hub as an OrderFlow import, property by property."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderflow.imports.order_documents import OrderRules, order_import, quantities, read_order
from orderflow.site.import_documents import NotSendable

PLAIN = OrderRules()
RECEIVED = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def an_order(**members):
    item = {"itemId": "BEAN-1", "quantityOrdered": 100, "unitPrice": Decimal("19.90")}
    return {"customerOrderId": "1001", "customerId": "c-77", "status": "CREATED", "items": [item], **members}


def a_line(**members):
    return {"itemId": "BEAN-1", "quantityOrdered": 1, "unitPrice": 1, **members}


def written(order, *, rules=PLAIN, takes=lambda item: True, reference="1001"):
    facts = read_order(order, reference=reference, received_at=RECEIVED, takes=takes)
    return dict(order_import(facts, rules).properties)


def test_the_least_order_becomes_exactly_these_lines():
    assert written(an_order()) == {
        "externalReference": "1001",
        "validated": "true",
        "placed": "2026-11-20 10:00:00",
        "totalPriceGross": "1990.00",
        "goodsPriceGross": "1990.00",
        "shipment.externalReference": "1001",
        "shipment.state": "ready",
        "shipment.orderItem": "entity:order",
        "orderLine.1.product.externalReference": "BEAN-1",
        "orderLine.1.quantity": "100",
        "orderLine.1.unitPriceGross": "19.90",
        "orderLine.1.totalPriceGross": "1990.00",
        "orderLine.1.state": "created",
        "orderLine.1.shipment": "entity:shipment",
    }


def test_addresses_and_customer_go_where_the_mapping_says():
    address = {
        "name": "Ada", "line1": "1 High St", "line2": "Flat 2", "city": "Leeds", "postalCode": "LS1",
        "countryCode": "GB", "phone": "1", "email": "ada@example.com",
    }  # fmt: skip
    customer = {"name": "Bob", "accountNumber": "9", "email": "bob@example.com", "phone": "2"}
    order = an_order(deliveryAddress=address, customer=customer, currencyId="GBP")
    properties = {k: v for k, v in written(order).items() if k.startswith(("delivery", "invoice", "currency"))}
    assert properties == {
        "currency": "GBP",
        "currencyUnits": "pounds",
        "deliveryContactName": "Ada",
        "deliveryAddressLine1": "1 High St",
        "deliveryAddressLine2": "Flat 2",
        "deliveryAddressLine3": "Leeds",
        "deliveryPostCode": "LS1",
        "deliveryCountryCode": "GB",
        "deliveryDayPhoneNumber": "1",
        "deliveryEmailAddress": "ada@example.com",
        "invoiceContactName": "Bob",
        "invoiceDayPhoneNumber": "2",
        "invoiceEmailAddress": "bob@example.com",
    }


def test_an_absent_member_makes_no_property_and_an_empty_one_does():
    order = an_order(deliveryAddress={"name": "", "line1": "x", "city": "y", "postalCode": "z", "countryCode": "DK"})
    properties = written(order)
    assert properties["deliveryContactName"] == ""
    assert "deliveryAddressLine2" not in properties
    assert "invoiceContactName" not in properties


def test_currency_units_are_left_out_without_a_currency():
    assert not {"currency", "currencyUnits"} & written(an_order(), rules=OrderRules(currency_units="pence")).keys()
    with_currency = written(an_order(currencyId="GBP"), rules=OrderRules(currency_units="pence"))
    assert with_currency["currencyUnits"] == "pence"


@pytest.mark.parametrize(
    "placed", ["2026-07-01T12:00:00+02:00", "2026-07-01T10:00:00Z", "2026-07-01T10:00:00.123456789Z"]
)
def test_placed_is_the_orders_own_time_in_the_sites_zone(placed):
    assert written(an_order(placedDateTime=placed))["placed"] == "2026-07-01 11:00:00"


def test_net_and_tax_are_never_invented():
    assert not [name for name in written(an_order(currencyId="GBP")) if "Net" in name or "ax" in name]


def test_discounts_are_taken_from_the_lines_total_exactly():
    discounts = [{"discountAmount": Decimal("0.05")}, {"discountAmount": Decimal("1")}]
    items = [
        a_line(quantityOrdered=3, unitPrice=Decimal("19.99"), discounts=discounts),
        a_line(unitPrice=Decimal("0.001")),
    ]
    properties = written(an_order(items=items))
    assert properties["orderLine.1.totalPriceGross"] == "58.92"
    assert properties["orderLine.2.totalPriceGross"] == "0.001"
    assert properties["totalPriceGross"] == properties["goodsPriceGross"] == "58.921"


big = st.decimals(allow_nan=False, allow_infinity=False).filter(
    lambda d: len(d.as_tuple().digits) <= 30 and abs(d.adjusted()) <= 30 and abs(d.as_tuple().exponent) <= 30
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**12), big, big), min_size=1, max_size=6))
def test_totals_are_exact_for_every_number_an_order_may_hold(rows):
    items = [
        a_line(quantityOrdered=quantity, unitPrice=price, discounts=[{"discountAmount": discount}])
        for quantity, price, discount in rows
    ]
    wanted = sum(quantity * Fraction(price) - Fraction(discount) for quantity, price, discount in rows)
    assert Fraction(written(an_order(items=items))["totalPriceGross"]) == wanted


@pytest.mark.parametrize("quantity", [0, -1, Decimal("0.5"), Decimal("1.0001"), Decimal("-2")])
def test_only_whole_positive_quantities_are_sendable_and_the_line_is_named(quantity):
    with pytest.raises(NotSendable) as refused:
        written(an_order(items=[a_line(), a_line(itemId="PEA-2", quantityOrdered=quantity)]))
    assert refused.value.member == "line 2 quantityOrdered"
    assert "PEA-2" in str(refused.value)


@pytest.mark.parametrize("quantity", [Decimal("100.00"), Decimal("1e2"), 100])
def test_a_whole_quantity_is_written_without_a_fraction(quantity):
    assert written(an_order(items=[a_line(quantityOrdered=quantity)]))["orderLine.1.quantity"] == "100"


def test_only_the_channels_lines_go_and_a_refusal_names_the_line_of_the_customer_order():
    items = [a_line(itemId="TEA"), a_line(itemId="BEAN-1"), a_line(itemId="BEAN-2", itemName="x\x00")]
    order = an_order(items=items[:2])
    assert (
        written(order, takes=lambda item: item.startswith("BEAN"))["orderLine.1.product.externalReference"] == "BEAN-1"
    )
    with pytest.raises(NotSendable, match=r"^line 3 itemName: has the character U\+0000"):
        written(an_order(items=items), takes=lambda item: item.startswith("BEAN"))


def test_an_item_id_over_the_limit_is_refused():
    with pytest.raises(NotSendable, match=r"^line 1 itemId: has 121 characters"):
        written(an_order(items=[a_line(itemId="x" * 121)]))


def test_a_reference_over_the_limit_is_refused():
    with pytest.raises(NotSendable, match=r"^reference: has 128 characters; OrderFlow takes at most 120"):
        written(an_order(), reference="r" * 128)


def test_a_missing_delivery_address_is_refused_only_where_the_channel_requires_one():
    with pytest.raises(NotSendable, match=r"^deliveryAddress: is missing"):
        written(an_order(), rules=OrderRules(require_delivery_address=True))
    assert written(an_order())


def test_fixed_properties_are_added_and_replace_the_hubs_own():
    rules = OrderRules(properties=(("userDefined1", "web"), ("shipment.state", "created")))
    properties = written(an_order(), rules=rules)
    assert (properties["userDefined1"], properties["shipment.state"]) == ("web", "created")


def test_an_order_without_a_line_for_the_warehouse_is_not_sendable():
    with pytest.raises(NotSendable, match=r"^items: has no line for this warehouse"):
        written(an_order(), takes=lambda item: False)


def test_quantities_of_one_item_are_added_over_its_lines():
    order = an_order(items=[a_line(), a_line(quantityOrdered=Decimal("2.0")), a_line(itemId="PEA")])
    facts = read_order(order, reference="1", received_at=RECEIVED, takes=lambda item: True)
    assert quantities(facts) == {"BEAN-1": Decimal(3), "PEA": Decimal(1)}


def test_an_order_is_validated_unless_the_channel_says_otherwise():
    assert written(an_order())["validated"] == "true"
    assert "validated" not in written(an_order(), rules=OrderRules(validated=False))
