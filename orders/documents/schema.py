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


class AdditionalInformation(_Strict):
    id: Code
    value: Text
    displayText: Text
    receiptLabel: Text


class InvoicePaymentInstructions(_Strict):
    customerAccountId: Code
    invoicingAmount: Number
    additionalInformation: NotRequired[Listed[AdditionalInformation] | None]


class Discount(_Strict):
    discountAmount: Number
    discountId: Code
    discountText: Text
    rewardType: Text


class Item(_Strict):
    itemId: Id
    quantityOrdered: Number
    unitPrice: Number
    contributedAmount: NotRequired[Number | None]
    discounts: NotRequired[Listed[Discount] | None]
    itemName: NotRequired[Text | None]


class Customer(_Strict):
    name: Text
    accountNumber: NotRequired[Text | None]
    email: NotRequired[Text | None]
    phone: NotRequired[Text | None]


class DeliveryAddress(_Strict):
    name: Text
    line1: Text
    line2: NotRequired[Text | None]
    city: Text
    postalCode: Text
    countryCode: Country
    phone: NotRequired[Text | None]
    email: NotRequired[Text | None]


class Case(_Strict):
    uuid: Code
    number: Text
    externalClaimId: CodeOrEmpty
    token: CaseToken
    caseType: Text


class CustomerOrder(_Strict):
    customerOrderId: Id
    customerId: Id
    status: Code
    minimumDownPaymentAmount: NotRequired[Number | None]
    isLocked: NotRequired[Boolean | None]
    invoicePaymentInstructions: NotRequired[InvoicePaymentInstructions | None]
    items: Annotated[list[Item], Field(max_length=MAX_ITEMS)]
    currencyId: NotRequired[Currency | None]
    placedDateTime: NotRequired[Instant | None]
    customer: NotRequired[Customer | None]
    deliveryAddress: NotRequired[DeliveryAddress | None]
    case: NotRequired[Case | None]


class OrderEnvelope(_Strict):
    customerOrder: CustomerOrder


class LoadLine(_Strict):
    businessUnitId: Id
    customerOrder: CustomerOrder


class ListedOrder(_Strict):
    businessUnitId: Id
    customerOrderId: Id


class ListedOrders(_Strict):
    orders: Listed[ListedOrder]


class FoundOrder(_Strict):
    customerOrderId: Id
    customerId: Id
    status: Code


class SearchAnswer(_Strict):
    customerOrders: list[FoundOrder]


class SearchBody(_Strict):
    customerId: NotRequired[Id]
    customerOrderId: NotRequired[Id]
    status: NotRequired[Code]
    itemId: NotRequired[Id]
    placedFrom: NotRequired[Instant]
    placedTo: NotRequired[Instant]
    updatedFrom: NotRequired[Instant]
    updatedTo: NotRequired[Instant]
