"""What OrderFlow's answers mean: every row of the error table, and bodies no vendor page shows."""

import resource
import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderflow.site.refusals import Cause, explain
from orderflow.site.reports import (
    CancelAnswer,
    Failure,
    ImportReport,
    Kind,
    NoSuchOrder,
    OrderDetail,
    Trouble,
    cancel_answer,
    import_report,
    order_detail,
)

HERE = Path(__file__).parent
ONE = ("order", "1001")


def report(body, *, status=200, items=1):
    return import_report(status, body if isinstance(body, bytes) else body.encode(), items=items)


def failed(message, *, reference="1001", detail=""):
    return report(
        f'<importResult><importFailures><import type="order" operation="insert" externalReference="{reference}">'
        f"<failureMessage>{message}</failureMessage><failureDetail>{detail}</failureDetail>"
        "</import></importFailures></importResult>"
    )


def test_the_sample_result_is_read_item_by_item():
    answer = report((HERE / "import-result.xml").read_bytes(), items=2)
    assert answer.successes == {("product", "BEAN-1")}
    assert answer.failures == {
        ("order", "1002"): Failure(
            "No product found for external reference: WRONGPRODUCT. If this product is present, "
            "make sure that it has been activated."
        )
    }
    assert answer.duplicates == {}
    assert answer.unlisted([("product", "BEAN-1"), ("order", "1002"), ("order", "1003")]) == (("order", "1003"),)


def test_the_published_malformed_error_is_understood():
    answer = report((HERE / "error-500-malformed.xml").read_bytes(), status=500)
    assert answer.kind is Kind.MISCONFIGURED
    assert "Cannot authenticate 'WEBSHOP'. Does not match list of authenticated channel(rtd" in answer.text


CREDENTIALS = "No user for supplied user name\n  and password combination"
CHANNEL = "Expecting value for &apos;channel&apos; request\nheader or parameter"
UNKNOWN_CHANNEL = "Cannot authenticate &apos;X&apos;. \n Does not match list of\tauthenticated channel"
XML = "Unable to load XML document from resource [Byte array]"


@pytest.mark.parametrize("form", ["well-formed", "malformed", "exception", "plain", "escaped"])
@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (500, XML, Kind.DOCUMENT),
        (500, CHANNEL, Kind.MISCONFIGURED),
        (500, UNKNOWN_CHANNEL, Kind.MISCONFIGURED),
        (412, CREDENTIALS, Kind.MISCONFIGURED),
        (401, CREDENTIALS, Kind.MISCONFIGURED),
        (403, CREDENTIALS, Kind.MISCONFIGURED),
        (200, CREDENTIALS.upper(), Kind.MISCONFIGURED),
        (200, UNKNOWN_CHANNEL, Kind.MISCONFIGURED),
        (200, XML, Kind.DOCUMENT),
        (401, "", Kind.MISCONFIGURED),
        (412, "Precondition", Kind.MISCONFIGURED),
        (404, "no context here", Kind.MISCONFIGURED),
        (302, "", Kind.MISCONFIGURED),
        (400, "bad", Kind.DOCUMENT),
        (413, "large", Kind.DOCUMENT),
        (429, "slow down", Kind.UNAVAILABLE),
        (500, "deadlock", Kind.UNAVAILABLE),
        (503, "", Kind.UNAVAILABLE),
        (200, "something odd", Kind.UNAVAILABLE),
    ],
)
def test_the_error_table(status, text, kind, form):
    bodies = {
        "well-formed": f"<error><message><![CDATA[ {text} ]]></message><detail></detail></error>",
        "malformed": f"<?xml version='1.0'?>\n<error><message><![CDATA[{text}]]></message><detail></message></error>",
        "exception": f"<exception><![CDATA[{text}]]></exception>",
        "plain": text,
        "escaped": f"<error><message>{text}</message></error>",
    }
    answer = report(bodies[form], status=status)
    assert isinstance(answer, Trouble)
    assert answer.kind is kind


@pytest.mark.parametrize(
    "body",
    [
        "",
        "   ",
        "<html><body><h1>It works</h1></body></html>",
        "<!DOCTYPE html><html><body><p>Login<br></body></html>",
        "<importResult><importSuccesses><import type='order' externalReference='1001'/>",
        "<importResult",
        "\x00\x01\x02",
        "{}",
        "<other/>",
        "<!DOCTYPE importResult><importResult><importSuccesses/></importResult>",
        '<!DOCTYPE r [<!ENTITY x "y">]><importResult>&x;</importResult>',
        '<!DOCTYPE r SYSTEM "file:///etc/passwd"><importResult/>',
    ],
)
def test_an_unreadable_200_gives_no_verdict(body):
    assert report(body).kind is Kind.UNAVAILABLE


def test_a_doctype_is_refused_in_any_encoding():
    body = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE r [<!ENTITY x "y">]><importResult/>'.encode("utf-16")
    assert report(body).kind is Kind.UNAVAILABLE


def test_a_foreign_entity_is_not_read():
    body = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><error><message>&x;</message></error>'
    assert Path("/etc/hostname").read_text().strip() not in report(body).text


def bomb():
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE r [<!ENTITY e0 "ha">{levels}]><importResult>&e9;</importResult>'.encode()


@pytest.mark.parametrize(
    "body",
    [b"<importResult>" + b"<a/>\n" * 1_000_000 + b"</importResult>", bomb(), b"<a " + b"b='' " * 900_000 + b"/>"],
    ids=["million lines", "entity bomb", "attributes"],
)
def test_a_hostile_answer_costs_little_and_ends_as_a_clear_failure(body):
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    answer = report(body, items=100)
    assert time.perf_counter() - began < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    assert answer.kind is Kind.UNAVAILABLE
    assert "too large" in answer.text or "DOCTYPE" in answer.text or "not well-formed" in answer.text


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([200, 302, 404, 412, 500]))
def test_no_answer_makes_the_reader_fall_over(body, status):
    for answer in (
        import_report(status, body, items=1),
        order_detail(status, body, reference="1", items=1),
        cancel_answer(status, body),
    ):
        assert answer is not None


DUPLICATE = "Duplicate entity in import of order with reference: 1001. An entity already exists for the channel"


def test_a_duplicate_in_its_own_section_is_one():
    answer = report(
        '<importResult><importDuplicates><import type="order" externalReference="1001">'
        f"<duplicateMessage>{DUPLICATE}</duplicateMessage></import></importDuplicates></importResult>"
    )
    assert answer == ImportReport(duplicates={ONE: Failure(DUPLICATE)})


def test_a_duplicate_among_the_failures_is_one():
    answer = failed(DUPLICATE.replace(" of ", "\n   of ").upper())
    assert list(answer.duplicates) == [ONE]
    assert answer.failures == {}


def test_an_item_in_two_sections_is_as_unknown_as_one_in_none():
    answer = report(
        '<importResult><importSuccesses><import type="order" externalReference="1001"/></importSuccesses>'
        '<importFailures><import type="order" externalReference="1001"/></importFailures></importResult>'
    )
    assert answer.unlisted([ONE]) == (ONE,)


def test_items_are_matched_by_type_too():
    answer = report(
        '<importResult><importSuccesses><import type="product" externalReference="1001"/>'
        "</importSuccesses></importResult>"
    )
    assert answer.unlisted([ONE]) == (ONE,)


def test_item_texts_do_not_stop_the_channel():
    answer = failed(f"description {CREDENTIALS}")
    assert isinstance(answer, ImportReport)


@pytest.mark.parametrize(
    ("message", "cause", "subject"),
    [
        (
            "No product found for external reference: A.B-1. If this product is present, "
            "make sure that it has been activated.",
            Cause.NO_PRODUCT,
            "A.B-1",
        ),
        ("NO PRODUCT FOUND FOR EXTERNAL REFERENCE: SKU 7", Cause.NO_PRODUCT, "SKU 7"),
        (
            "Failed to convert property value of type 'java.lang.String' to required type 'int' "
            "for property 'orderLine.1.quantity'",
            Cause.BAD_VALUE,
            "orderLine.1.quantity",
        ),
        ("Unable to find any entity associated with identifier:ref:courier:DHL", Cause.NO_COURIER, "DHL"),
        ("Something else", Cause.OTHER, ""),
    ],
)
def test_a_refusal_names_the_failing_thing(message, cause, subject):
    found = explain(Failure(message))
    assert (found.cause, found.subject) == (cause, subject)
    assert subject in found.advice


@pytest.mark.parametrize(
    ("message", "failing", "value", "advice"),
    [
        (
            "Failed to convert property value of type [java.lang.String] to required type [java.math.BigDecimal] for "
            "property 'totalTax': \"1,50\"",
            "totalTax",
            "1,50",
            "Correct the value of totalTax (1.50 instead of 1,50), then send the order again.",
        ),
        (
            "Failed to convert property value 'ten' of type x for property 'orderLine.1.quantity'",
            "orderLine.1.quantity",
            "ten",
            "Correct the value of orderLine.1.quantity, then send the order again.",
        ),
        (
            "OrderFlow refused it: No product found for external reference: B-1. If this product is present, make sure "
            "that it has been activated. Import and activate the product B-1 in OrderFlow, then retry.",
            "product.externalReference",
            "B-1",
            "Import and activate the product B-1 in OrderFlow, then retry.",
        ),
        (
            "Unable to find any entity associated with identifier:ref:courier:DHL",
            "shipment.courier",
            "ref:courier:DHL",
            "Create the courier DHL in OrderFlow or change shipment.courier.",
        ),
        (
            "Not sent. line 1 quantityOrdered: is 0.5 for A; a warehouse takes whole, positive quantities only.",
            "line 1 quantityOrdered",
            "0.5",
            "Correct line 1 quantityOrdered in the order, then send the order again.",
        ),
        (
            "Not sent. The reference a:b is already used by order 1 of s. Change the channel's reference setting.",
            "",
            "",
            "Correct what OrderFlow names, then retry.",
        ),
    ],
)
def test_a_refusal_is_explained_with_property_value_and_correction(message, failing, value, advice):
    found = explain(Failure(message))
    assert (found.property, found.value, found.advice) == (failing, value, advice)


def test_a_failure_without_a_message_is_explained_from_its_detail():
    detail = "<![CDATA[Unable to find any entity associated with identifier:ref:courier:UPS]]>"
    (failure,) = failed("", detail=detail).failures.values()
    assert explain(failure).subject == "UPS"
    assert failure.text == "Unable to find any entity associated with identifier:ref:courier:UPS"


DETAIL = (
    '<order externalReference="1001" state="ready"><shipments><shipment sequence="1"><orderLines>'
    '<orderLine product="BEAN-1" quantity="2"/><orderLine product="BEAN-1" quantity="3.0"/>'
    "</orderLines></shipment><shipment><orderLines><orderLine product='PEA' quantity='1'/></orderLines></shipment>"
    "</shipments></order>"
)


def detail(body, *, status=200, reference="1001"):
    return order_detail(status, body.encode(), reference=reference, items=5)


def test_a_detail_says_what_the_warehouse_holds():
    assert detail(DETAIL) == OrderDetail("1001", "ready", {"BEAN-1": Decimal(5), "PEA": Decimal(1)})
    assert not detail(DETAIL).cancelled
    assert detail(DETAIL.replace('state="ready"', 'state="Cancelled"')).cancelled


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("<order/>", 200),
        ("<orders/>", 200),
        ("<error><message>Unable to find order 1001</message></error>", 500),
        ("<error><message>Order not found</message></error>", 404),
    ],
)
def test_an_order_the_warehouse_does_not_hold(body, status):
    assert isinstance(detail(body, status=status), NoSuchOrder)


def test_a_detail_of_another_order_is_no_verdict():
    assert detail(DETAIL, reference="1002").kind is Kind.UNAVAILABLE


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("<html><body>HTTP Status 404 - Not Found</body></html>", 404, Kind.MISCONFIGURED),
        ("404 page not found", 404, Kind.MISCONFIGURED),
        ("<error><message>" + CREDENTIALS + "; user not found</message></error>", 412, Kind.MISCONFIGURED),
        ("", 500, Kind.UNAVAILABLE),
    ],
)
def test_a_failed_lookup_is_not_taken_for_an_absent_order(body, status, kind):
    assert detail(body, status=status).kind is kind


def test_a_quantity_that_is_no_number_equals_nothing():
    held = detail(DETAIL.replace('quantity="2"', 'quantity="two"')).quantities
    assert held["BEAN-1"] != held["BEAN-1"]


def test_a_cancel_that_was_not_performed_is_seen():
    assert cancel_answer(200, b"<message>Order cancelled</message>") == CancelAnswer(True, "Order cancelled")
    answer = cancel_answer(200, b"<response><message>No cancel\n operation PERFORMED</message></response>")
    assert answer == CancelAnswer(False, "No cancel operation PERFORMED")
    assert cancel_answer(200, b"<error><message>x</message></error>").kind is Kind.UNAVAILABLE
    assert cancel_answer(200, b"<other/>").kind is Kind.UNAVAILABLE
    assert cancel_answer(412, b"").kind is Kind.MISCONFIGURED
