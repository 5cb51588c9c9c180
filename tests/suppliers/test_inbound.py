from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orders.values.problems import InvalidBody
from suppliers.reports import messages

AT = "2026-11-20T08:46:36+0000"
STATUS = {
    "eventType": "order_status_updated",
    "payloadVersion": "1.0.0",
    "timestamp": AT,
    "orderToken": "T",
    "status": "packed",
}
DELIVERY = {
    "eventType": "delivery_updated",
    "payloadVersion": "1.0.0",
    "timestamp": AT,
    "orderToken": "T",
    "status": "sent",
}
STOCK = {
    "eventType": "stock_updated",
    "payloadVersion": "1.2",
    "timestamp": AT,
    "items": [{"itemId": "A", "available": 3}],
}


def parse(body):
    return messages.parse_report(body, header_type=body["eventType"])


def refused(body, header_type=None):
    with pytest.raises(InvalidBody) as problem:
        messages.parse_report(body, header_type=header_type or STATUS["eventType"])
    return [(fault.pointer, fault.detail) for fault in problem.value.errors]


@pytest.mark.parametrize("body", [STATUS, DELIVERY, STOCK])
def test_the_three_types_are_taken(body):
    received = parse(body)
    assert received.report.event_type == body["eventType"]
    assert received.report.timestamp == AT
    assert received.report.happened_at == datetime(2026, 11, 20, 8, 46, 36, tzinfo=UTC)
    assert received.ignored == []


def test_all_members_of_a_delivery_are_kept():
    extra = {
        "carrier": "Post",
        "trackingNumber": "1Z",
        "trackingUrl": "https://post.example.com/1Z",
        "expectedDate": "2026-12-01",
    }
    report = parse(DELIVERY | extra | {"items": ["A", {"itemId": "B", "quantity": 2}]}).report
    assert (
        report.model_dump(by_alias=True, include={"carrier", "tracking_number", "tracking_url", "expected_date"})
        == extra
    )
    assert [(item.item_id, item.quantity) for item in report.items] == [("A", None), ("B", 2)]


def test_stock_keeps_its_digits():
    report = parse(STOCK | {"items": [{"itemId": "A", "available": Decimal("2.50"), "expectedDate": AT}]}).report
    assert str(report.items[0].available) == "2.50"


def test_unknown_members_are_ignored_and_noted_and_the_envelope_is_known():
    received = parse(STATUS | {"zebra": 1, "apple": None, "correlationId": "X", "case": {}})
    assert received.ignored == ["apple", "zebra"]


@pytest.mark.parametrize("name", ["payloadVersion", "timestamp", "orderToken", "status"])
@pytest.mark.parametrize("value", ["absent", None, 1, True, []])
def test_required_texts_must_be_there_and_be_texts(name, value):
    body = {key: member for key, member in STATUS.items() if key != name}
    if value != "absent":
        body[name] = value
    assert [pointer for pointer, _ in refused(body)] == [f"/{name}"]


@pytest.mark.parametrize("value", ["absent", None, "order_created", 7, {}])
def test_an_unknown_type_names_the_known_ones(value):
    body = STATUS | {"eventType": value}
    if value == "absent":
        del body["eventType"]
    assert refused(body) == [
        ("/eventType", "unknown event type; known are order_status_updated, delivery_updated, stock_updated")
    ]


@pytest.mark.parametrize("header", ["delivery_updated", "", "ORDER_STATUS_UPDATED"])
def test_header_and_body_must_agree(header):
    with pytest.raises(InvalidBody) as problem:
        messages.parse_report(STATUS, header_type=header)
    assert problem.value.errors[0].pointer == "/eventType"


@pytest.mark.parametrize("version", ["2.0.0", "0.9", "10.0.0", "1.0.0.0", "1.", "v1", "", "1.x"])
def test_another_major_version_is_refused(version):
    assert refused(STATUS | {"payloadVersion": version}) == [
        ("/payloadVersion", 'unknown version; this hub understands major version 1, such as "1.0.0"')
    ]


@pytest.mark.parametrize("version", ["1", "1.0", "1.7.12"])
def test_any_version_1_is_taken(version):
    assert parse(STATUS | {"payloadVersion": version}).report.payload_version == version


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T08:46:36Z", (8, 46, 36, 0)),
        ("2026-11-20T10:46:36+02:00", (8, 46, 36, 0)),
        ("2026-11-20T10:46:36+0200", (8, 46, 36, 0)),
        ("2026-11-20T03:16:36-0530", (8, 46, 36, 0)),
        ("2026-11-20T08:46:36.5Z", (8, 46, 36, 500_000)),
        ("2026-11-20T08:46:36.Z", (8, 46, 36, 0)),
        ("2026-11-20T08:46:36.123456789Z", (8, 46, 36, 123_456)),
    ],
)
def test_timestamps_of_many_spellings_are_one_moment(text, moment):
    assert messages.parse_timestamp(text) == datetime(2026, 11, 20, *moment, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-20",
        "2026-11-20T08:46:36",
        "2026-11-20 08:46:36Z",
        "2026-11-20T08:46:36.0123456789Z",
        "2026-13-20T08:46:36Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T08:46:60Z",
        "2026-11-20T08:46:36+02",
        "2026-11-20T08:46:36+0260",
        "2026-11-20T08:46:36+2400",
        "0001-01-01T00:00:00+1400",
        "9999-12-31T23:59:59-0100",
        "0001-01-01T00:30:00Z",
        "9999-12-31T23:30:00Z",
        "2026-11-20T08:46:36Z\n",
        "٢٠٢٦-11-20T08:46:36Z",
    ],
)
def test_a_timestamp_that_is_none_is_refused(text):
    assert [pointer for pointer, _ in refused(STATUS | {"timestamp": text})] == ["/timestamp"]


@pytest.mark.parametrize("status", ["", "x" * 65, "a\x00b"])
def test_a_status_word_has_1_to_64_characters(status):
    assert [pointer for pointer, _ in refused(STATUS | {"status": status})] == ["/status"]


def test_a_status_word_is_free():
    assert parse(STATUS | {"status": "afsendt på vej" + "x" * 48}).report.status.startswith("afsendt")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://post.example.com", "//post.example.com", "https://", "", "http://["]
)
def test_a_tracking_url_must_be_http(url):
    with pytest.raises(InvalidBody) as problem:
        parse(DELIVERY | {"trackingUrl": url})
    assert [fault.pointer for fault in problem.value.errors] == ["/trackingUrl"]


@pytest.mark.parametrize(
    ("items", "pointer"),
    [
        ("absent", "/items"),
        ({}, "/items"),
        (["A"], "/items/0"),
        ([{"itemId": "A", "available": 1}, {"itemId": "B"}], "/items/1/available"),
        ([{"itemId": "A", "available": True}], "/items/0/available"),
        ([{"itemId": "A", "available": "1"}], "/items/0/available"),
        ([{"itemId": 5, "available": 1}], "/items/0/itemId"),
        ([{"itemId": "A", "available": 1, "expectedDate": "20261201"}], "/items/0/expectedDate"),
        ([{"itemId": "A", "available": 1, "expectedDate": "2026-02-30"}], "/items/0/expectedDate"),
    ],
)
def test_stock_lines_are_checked_one_by_one(items, pointer):
    body = STOCK | {"items": items}
    if items == "absent":
        del body["items"]
    with pytest.raises(InvalidBody) as problem:
        parse(body)
    assert [fault.pointer for fault in problem.value.errors] == [pointer]


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_a_body_that_is_no_object_is_refused(body):
    assert refused(body) == [("", "a JSON object is expected")]


def test_every_fault_is_named_at_once():
    assert [pointer for pointer, _ in refused({"eventType": "order_status_updated"})] == [
        "/payloadVersion", "/timestamp", "/orderToken", "/status",
    ]  # fmt: skip
