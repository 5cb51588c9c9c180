"""What a hostile or broken supplier may send: refused or kept, never a fault of the hub."""

import json

import pytest

from suppliers.models import SupplierEvent
from tests.suppliers.test_reports import delivery, part, send, status, stock  # noqa: F401 - fixtures

pytestmark = [pytest.mark.django_db, pytest.mark.urls("suppliers.urls")]


def raw(body, old, new):
    return json.dumps(body).replace(old, new)


BODIES = {
    "a number of 80 digits": lambda part: raw(stock({"itemId": "A", "available": 7}), "7", "9" * 80),
    "a number of 600 digits": lambda part: raw(stock({"itemId": "A", "available": 7}), "7}", "9" * 600 + "}"),
    "a huge exponent": lambda part: raw(stock({"itemId": "A", "available": 7}), "7}", "1e400}"),
    "a tiny exponent": lambda part: raw(stock({"itemId": "A", "available": 7}), "7}", "1e-4000000}"),
    "many decimals": lambda part: raw(stock({"itemId": "A", "available": 7}), "7}", "0." + "1" * 500 + "}"),
    "not a number": lambda part: raw(stock({"itemId": "A", "available": 7}), "7}", "NaN}"),
    "half a surrogate": lambda part: raw(status(part, "packed"), '"packed"', r'"\ud800"'),
    "half a surrogate in an unknown name": lambda part: raw(status(part, "packed", x=1), '"x"', r'"\udfff"'),
    "a NUL in an unknown name": lambda part: status(part, "packed", **{"a\x00b": 1}),
    "a NUL in an unknown value": lambda part: status(part, "packed", note="\x00"),
    "a NUL in the token": lambda part: status(part, "packed") | {"orderToken": "\x00" + part.token},
    "a token that is none": lambda part: status(part, "packed") | {"orderToken": "x"},
    "many unknown names": lambda part: status(part, "packed", **{f"m{number}": 1 for number in range(5000)}),
    "a very long unknown name": lambda part: status(part, "packed", **{"n" * 100_000: 1}),
    "depth": lambda part: raw(status(part, "packed", deep=1), '"deep": 1', '"deep": ' + "[" * 5000 + "]" * 5000),
    "the first moment": lambda part: status(part, "packed", at="0001-01-01T00:00:00+2359"),
    "the last moment": lambda part: status(part, "packed", at="9999-12-31T23:59:59.999999999-2359"),
    "an address that is none": lambda part: delivery(part, "sent", trackingUrl="http://[::1"),
    "an address with a script": lambda part: delivery(part, "sent", trackingUrl="javascript:alert(1)"),
    "a day that is none": lambda part: delivery(part, "sent", expectedDate="2026-02-30"),
    "the same member twice": lambda part: raw(status(part, "packed"), '"status"', '"status": "x", "status"'),
    "no items": lambda part: stock(),
    "the same item twice": lambda part: stock({"itemId": "A", "available": 1}, {"itemId": "A", "available": 2}),
    "a list as token": lambda part: status(part, "packed") | {"orderToken": [part.token]},
    "a type that is a list": lambda part: json.dumps(status(part, "packed") | {"eventType": []}),
}


@pytest.mark.parametrize("what", list(BODIES))
def test_a_hostile_report_is_taken_or_refused_with_a_reason(part, send, what):
    body = BODIES[what](part)
    headers = {}
    if isinstance(body, str):
        headers["Event-Type"] = "stock_updated" if "stock_updated" in body else "order_status_updated"
    answer = send(body, **headers)
    print(what, answer.status_code, answer.content[:200])
    assert answer.status_code in (201, 400, 404, 413)
    assert SupplierEvent.objects.count() == (answer.status_code == 201)
