"""PUT bodies as senders write them."""

from __future__ import annotations

import json


def body(order_id="1001", *, status="CREATED", price="19.90", customer="c-77", item="BEAN-1", quantity=2) -> bytes:
    """A small valid PUT body with the price's digits as given."""
    order = {
        "customerOrderId": order_id,
        "customerId": customer,
        "status": status,
        "items": [{"itemId": item, "quantityOrdered": quantity, "unitPrice": "PRICE"}],
    }
    return json.dumps({"customerOrder": order}).replace('"PRICE"', price).encode()
