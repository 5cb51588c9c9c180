"""A least and a full customer order, and ways to spoil them."""

import copy
from decimal import Decimal

from orders.documents import render

GUID = "0D2F5A10-3B1C-4B7E-9C55-0A4D8E6B1F21"
LINE = {"itemId": "BEAN-1", "quantityOrdered": 100, "unitPrice": Decimal("19.90")}
LEAST = {"customerOrderId": "1001", "customerId": "c-77", "status": "CREATED", "items": [LINE]}
FULL = {
    "customerOrderId": "1001",
    "customerId": "c-77",
    "status": "CREATED",
    "minimumDownPaymentAmount": 100,
    "isLocked": False,
    "invoicePaymentInstructions": {
        "customerAccountId": "acc-5",
        "invoicingAmount": Decimal("100.00"),
        "additionalInformation": [{"id": "r", "value": "R-42", "displayText": "Requisition", "receiptLabel": ""}],
    },
    "items": [
        {
            **LINE,
            "contributedAmount": -1,
            "discounts": [
                {"discountAmount": 1, "discountId": "d", "discountText": "", "rewardType": "ANYTHING"},
            ],
            "itemName": "Beans\n\tgreen\r",
        },
    ],
    "currencyId": "DKK",
    "placedDateTime": "2026-11-20T10:00:00+01:00",
    "customer": {"name": "Æ", "accountNumber": "1", "email": "a@example.com", "phone": "1"},
    "deliveryAddress": {
        "name": "Æ",
        "line1": "Road 1",
        "line2": "",
        "city": "Aarhus",
        "postalCode": "8000",
        "countryCode": "DK",
        "phone": "1",
        "email": "a@example.com",
    },
    "case": {"uuid": GUID.lower(), "number": "CH1", "externalClaimId": "", "token": f"c.{GUID}", "caseType": "c"},
}


def body(order):
    return render({"customerOrder": order})


def pointed(path):
    return "".join(f"/{part}" for part in path)


def at(document, path):
    for part in path:
        document = document[part]
    return document


def places(node=FULL, path=()):
    """Every place of the full order below the order itself."""
    for part, inner in node.items() if isinstance(node, dict) else enumerate(node):
        yield (*path, part)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, part))


OBJECTS = [(), *(path for path in places() if isinstance(at(FULL, path), dict))]


def with_value(path, value):
    order = copy.deepcopy(FULL)
    at(order, path[:-1])[path[-1]] = value
    return order
