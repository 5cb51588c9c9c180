"""The customer order as data: members, types, what is required (docs/reference/customer-order.md#members).

The one schema of PUT bodies, stored orders and external answers. ``NotRequired[X | None]``: null is the same as
absence and is not kept. Members stand in the order in which they are answered.
"""

from __future__ import annotations

from typing import Annotated, NotRequired, TypeVar

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from orders.documents.value_types import (
    Boolean,
    CaseToken,
    Code,
    CodeOrEmpty,
    Country,
    Currency,
    Id,
    Instant,
    Number,
    Text,
    member,
)

MAX_ITEMS = 2_000
"""Lines of one order (docs/reference/customer-order.md#members)."""
MAX_LISTED = 25_000
"""Members of any other list: more do not fit into a body of 1 MiB, where the shortest takes 44 bytes. A longer one is
refused for its length, before half a million members that are none are each found wrong."""

_Member = TypeVar("_Member")
Listed = Annotated[list[_Member], Field(max_length=MAX_LISTED)]


class _Strict(TypedDict):
    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")  # type: ignore[misc]


class _Open(TypedDict):
    """A part of an order: members that are not known are no fault (docs/reference/customer-order.md#values)."""

    __pydantic_config__ = ConfigDict(strict=True, extra="ignore")  # type: ignore[misc]


class AdditionalInformation(_Strict):
    id: Annotated[Code, member("The text's key.", "requisition")]
    value: Annotated[Text, member("Its value.", "R-4711")]
    displayText: Annotated[Text, member("The value as shown to a person.", "Requisition R-4711")]
    receiptLabel: Annotated[Text, member("Its label on a receipt.", "Requisition")]


class InvoicePaymentInstructions(_Open):
    customerAccountId: Annotated[Code, member("The account that is invoiced.", "ACC-1")]
    invoicingAmount: Annotated[Number, member("The amount invoiced.", 19.9)]
    additionalInformation: NotRequired[
        Annotated[Listed[AdditionalInformation] | None, member("Texts that belong to the payment.")]
    ]


class Discount(_Open):
    discountAmount: Annotated[Number, member("Taken off the line's total.", 5)]
    discountId: Annotated[Code, member("The discount's id.", "D-1")]
    discountText: Annotated[Text, member("What it is called.", "Summer sale")]
    rewardType: Annotated[Text, member("Its kind, such as NET_PRICE or PERCENTAGE; free text.", "PRICE_REDUCTION")]


class Item(_Open):
    itemId: Annotated[Id, member("The item's id.", "BEAN-1")]
    quantityOrdered: Annotated[Number, member("How many; may be negative.", 2)]
    unitPrice: Annotated[Number, member("The price of one.", 19.95)]
    contributedAmount: NotRequired[Annotated[Number | None, member("What others pay of the line.", 10)]]
    discounts: NotRequired[Annotated[Listed[Discount] | None, member("The line's discounts.")]]
    itemName: NotRequired[Annotated[Text | None, member("What the item is called.", "Green beans")]]


class Customer(_Open):
    name: Annotated[Text, member("The customer's name.", "Ada Jensen")]
    accountNumber: NotRequired[Annotated[Text | None, member("The customer's account.", "42")]]
    email: NotRequired[Annotated[Text | None, member("Where mail reaches the customer.", "ada@example.com")]]
    phone: NotRequired[Annotated[Text | None, member("Where a call reaches the customer.", "+45 12 34 56 78")]]


class DeliveryAddress(_Open):
    name: Annotated[Text, member("Who receives it.", "Ada Jensen")]
    line1: Annotated[Text, member("Street and number.", "Bean Street 1")]
    line2: NotRequired[Annotated[Text | None, member("More of the address.", "2nd floor")]]
    city: Annotated[Text, member("The town.", "Aarhus")]
    postalCode: Annotated[Text, member("The postal code.", "8000")]
    countryCode: Annotated[Country, member("The country, ISO 3166-1 alpha-2.", "DK")]
    phone: NotRequired[Annotated[Text | None, member("For the driver.", "+45 12 34 56 78")]]
    email: NotRequired[Annotated[Text | None, member("For messages of the delivery.", "ada@example.com")]]


class Case(_Open):
    uuid: Annotated[Code, member("The case's id.", "0b6f3c1e-5a8e-4d53-9a35-0f8f6a1c7d20")]
    number: Annotated[Text, member("The case's number.", "CLAIM-77")]
    externalClaimId: Annotated[CodeOrEmpty, member("The insurer's id of it; may be empty.", "77")]
    token: Annotated[CaseToken, member("`c.` and a GUID.", "c.3F2504E0-4F89-41D3-9A0C-0305E82C3301")]
    caseType: Annotated[Text, member("What kind of case it is.", "contentClaim")]


class CustomerOrder(_Open):
    customerOrderId: Annotated[Id, member("The order's id in your own system.", "1001")]
    customerId: Annotated[Id, member("The customer's id.", "111")]
    status: Annotated[Code, member("CREATED, IN_PROGRESS, CANCELLED, FULFILLED, or a word of your own.", "CREATED")]
    minimumDownPaymentAmount: NotRequired[Annotated[Number | None, member("The least to pay in advance.", 0)]]
    isLocked: NotRequired[
        Annotated[Boolean | None, member("The sender's own flag; the hub does nothing with it.", False)]
    ]
    invoicePaymentInstructions: NotRequired[
        Annotated[InvoicePaymentInstructions | None, member("How much of it is paid by invoice.")]
    ]
    items: Annotated[list[Item], member("The lines; may be empty.", max_length=MAX_ITEMS)]
    currencyId: NotRequired[Annotated[Currency | None, member("The currency of every amount, ISO 4217.", "EUR")]]
    placedDateTime: NotRequired[Annotated[Instant | None, member("When the customer ordered.", "2026-11-20T08:46:36Z")]]
    customer: NotRequired[Annotated[Customer | None, member("Who ordered.")]]
    deliveryAddress: NotRequired[Annotated[DeliveryAddress | None, member("Where it goes.")]]
    case: NotRequired[Annotated[Case | None, member("The insurance case that it belongs to.")]]


class CustomerOrderEnvelope(_Open):
    customerOrder: Annotated[CustomerOrder, member("The order.")]


class LoadLine(_Open):
    businessUnitId: Annotated[Id, member("The business unit's id.", "store-1")]
    customerOrder: Annotated[CustomerOrder, member("The order.")]


class ListedOrder(_Strict):
    businessUnitId: Annotated[Id, member("The business unit's id.", "store-1")]
    customerOrderId: Annotated[Id, member("The order's id.", "1001")]


class ListedOrders(_Strict):
    orders: Annotated[Listed[ListedOrder], member("The orders.")]


class FoundOrder(_Strict):
    customerOrderId: Id
    customerId: Id
    status: Code


class SearchAnswer(_Strict):
    customerOrders: list[FoundOrder]


class CustomerOrderSearch(_Strict):
    customerId: NotRequired[Annotated[Id, member("The id of the customer.", "111")]]
    customerOrderId: NotRequired[Annotated[Id, member("The id of the order.", "1001")]]
    status: NotRequired[Annotated[Code, member("The order's status.", "CREATED")]]
    itemId: NotRequired[Annotated[Id, member("An item of one of its lines.", "BEAN-1")]]
    placedFrom: NotRequired[Annotated[Instant, member("Placed then or later.", "2026-11-01T00:00:00Z")]]
    placedTo: NotRequired[Annotated[Instant, member("Placed then or before.", "2026-11-30T23:59:59Z")]]
    updatedFrom: NotRequired[Annotated[Instant, member("Last applied then or later.", "2026-11-01T00:00:00Z")]]
    updatedTo: NotRequired[Annotated[Instant, member("Last applied then or before.", "2026-11-30T23:59:59Z")]]
