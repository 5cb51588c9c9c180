"""Import documents: what OrderFlow gets, byte by byte, and what is refused before it is sent."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from orderflow.catalogue.product_documents import ProductScope, minimal_product, product_import
from orderflow.site.import_documents import (
    Import,
    NotSendable,
    document,
    number,
    property_name,
    reference_text,
    text,
    time,
)

SAMPLE = Path(__file__).with_name("import-request.xml")
LONDON = ZoneInfo("Europe/London")


def read_back(body: bytes) -> list[tuple[dict[str, str], list[tuple[str, str]]]]:
    """A reader of property lines, as OrderFlow's: leading blanks dropped, split at the first ``=``, [BR] a break."""
    read = []
    for element in etree.fromstring(body).iterfind("import"):
        own = [line.lstrip(" ") for line in (element.text or "").split("\n") if line.strip(" ")]
        read.append((dict(element.attrib), [tuple(line.replace("[BR]", "\n").split("=", 1)) for line in own]))
    return read


def the_three_products() -> list[Import]:
    full = {
        "externalReference": "BEAN-1",
        "description": "Green beans & peas, 1 kg\nfrozen",
        "weight": 1000,
        "weightUnits": "grams",
        "type": "default",
        "priceNet": Decimal("10.50"),
        "priceGross": Decimal("11.50"),
        "tax": 0,
        "taxCode": "T1",
        "currency": "GBP",
        "currencyUnits": "pounds",
        "userDefined1": "shelf 4",
        "userDefined2": "",
        "activated": True,
    }
    organisation = {"description": "Minimal product of an organisation"}
    world = {"externalReference": "BEAN-3", "description": "Global product"}
    return [
        product_import("BEAN-1", full, ProductScope("channel", channel="WEBSHOP")),
        product_import("BEAN-2", organisation, ProductScope("organisation", organisation="altco")),
        product_import("BEAN-3", world, ProductScope("global")),
    ]


def test_the_three_product_forms_are_written_exactly_as_in_the_sample():
    assert document(the_three_products()) == SAMPLE.read_bytes()


def test_a_document_without_imports_is_still_well_formed():
    assert read_back(document([])) == []


def test_many_imports_stand_in_one_document_in_their_order():
    imports = [Import("order", "insert", str(n), (("externalReference", str(n)),)) for n in range(300)]
    assert [attributes["externalReference"] for attributes, _ in read_back(document(imports))] == [
        str(n) for n in range(300)
    ]


sendable = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\ufffe\uffff"), max_size=60
)
broken = st.lists(sendable, min_size=1, max_size=4).map("\n".join).filter(lambda value: "[BR]" not in value)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["description", "userDefined1", "colour"]), broken), max_size=5))
def test_what_is_written_is_read_back(pairs):
    item = Import("product", "merge", "R", tuple((name, text(name, value)) for name, value in pairs))
    ((attributes, properties),) = read_back(document([item]))
    assert attributes == {"type": "product", "operation": "merge", "externalReference": "R"}
    assert properties == [(name, value + " " if value.endswith("\\") else value) for name, value in pairs]


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_either_written_on_one_line_or_refused_by_its_member(value):
    try:
        line = text("userDefined1", value)
    except NotSendable as refusal:
        refused = refusal.member
    else:
        refused = ""
    if refused:
        assert refused == "userDefined1"
        return
    body = document([Import("product", "insert", "R", (("userDefined1", line),))])
    assert len(read_back(body)[0][1]) == 1
    assert not line.endswith("\\")


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(lambda d: abs(d.adjusted()) < 100))
def test_a_number_is_exact_with_a_point_and_no_exponent(value):
    if len(value.as_tuple().digits) > 200:
        return
    written = number("priceNet", value)
    assert Decimal(written) == value
    assert set(written) <= set("-0123456789.")


@pytest.mark.parametrize(
    ("value", "written"),
    [(Decimal("19.90"), "19.90"), (Decimal("1e2"), "100"), (0, "0"), (Decimal("-0.00"), "0.00"), (-3, "-3")],
)
def test_digits_are_kept_and_a_zero_has_no_sign(value, written):
    assert number("priceNet", value) == written


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+999999999"), Decimal("1E-999999")])
def test_a_number_nobody_could_store_is_refused_before_it_is_written(value):
    with pytest.raises(NotSendable, match=r"^weight: is not a number OrderFlow could store"):
        number("weight", value)


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\rb", "a\u2028b", "a\x85b"])
def test_every_kind_of_line_break_becomes_br(value):
    assert text("description", value) == "a[BR]b"


@pytest.mark.parametrize(
    ("value", "code"), [("a\x00", "0000"), ("\x0bx", "000B"), ("\ud800", "D800"), ("\uffff", "FFFF")]
)
def test_a_character_xml_cannot_carry_is_refused_with_the_member_named(value, code):
    with pytest.raises(NotSendable) as refused:
        text("customsDescription", value)
    assert str(refused.value) == f"customsDescription: has the character U+{code}, which XML cannot carry. Remove it."


def test_markup_in_values_stays_text():
    item = Import("product", "insert", "<&\"'>", (("description", "</import><x a='&amp;'>"),))
    ((attributes, properties),) = read_back(document([item]))
    assert (attributes["externalReference"], properties) == ("<&\"'>", [("description", "</import><x a='&amp;'>")])


@pytest.mark.parametrize("name", ["", "a=b", "a b", "a\nb", "1a", "a.", "æ"])
def test_a_property_name_that_would_break_its_line_is_refused(name):
    with pytest.raises(NotSendable, match="is not the name of an OrderFlow property"):
        property_name(name)


def test_times_are_in_the_sites_zone_summer_and_winter():
    assert time("placed", datetime(2026, 7, 1, 23, 30, 5, 999, tzinfo=UTC), zone=LONDON) == "2026-07-02 00:30:05"
    assert time("placed", datetime(2026, 1, 1, 23, 30, 5, tzinfo=UTC), zone=LONDON) == "2026-01-01 23:30:05"


def test_a_time_that_leaves_the_calendar_in_the_sites_zone_is_refused():
    with pytest.raises(NotSendable, match="beyond the calendar"):
        time("placed", datetime.max.replace(tzinfo=UTC), zone=ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize("value", ["", " a", "a\n", "a\tb", "x" * 121])
def test_a_reference_is_short_plain_and_not_empty(value):
    with pytest.raises(NotSendable, match=r"^reference: "):
        reference_text("reference", value)
    assert reference_text("reference", "x" * 120) == "x" * 120


@pytest.mark.parametrize(
    ("name", "limit"),
    [("description", 120), ("barcode", 120), ("thirdPartyReference", 100), ("customsDescription", 255)],
)
def test_product_texts_over_the_limit_are_refused_and_at_the_limit_sent(name, limit):
    at_limit = product_import("S", {"description": "d", name: "x" * limit}, ProductScope("global"))
    assert at_limit.value(name) == "x" * limit
    with pytest.raises(NotSendable, match=f"^{name}: has {limit + 1} characters; OrderFlow takes at most {limit}"):
        product_import("S", {"description": "d", name: "x" * (limit + 1)}, ProductScope("global"))


def test_zero_values_and_empty_values_are_sent():
    item = product_import("S", {"description": "d", "tax": 0, "userDefined2": "", "weight": ""}, ProductScope("global"))
    assert (item.value("tax"), item.value("userDefined2"), item.value("weight")) == ("0", "", "")


def test_a_number_written_as_text_is_checked():
    assert product_import("S", {"description": "d", "weight": " 1e2 "}, ProductScope("global")).value("weight") == "100"
    with pytest.raises(NotSendable, match=r"weight: is “1,5”, which is no number"):
        product_import("S", {"description": "d", "weight": "1,5"}, ProductScope("global"))


def test_a_product_without_a_description_is_refused():
    with pytest.raises(NotSendable, match=r"^description: is missing"):
        product_import("S", {}, ProductScope("global"))


def test_a_product_of_an_organisation_needs_the_channels_organisation():
    with pytest.raises(NotSendable, match=r"^organisation: is not set"):
        product_import("S", {"description": "d"}, ProductScope("organisation"))


def test_the_minimal_product_is_named_after_the_order_line():
    item = minimal_product("BEAN-9", "x" * 300, ProductScope("channel", channel="WEB"))
    assert dict(item.properties) == {
        "externalReference": "BEAN-9", "description": "x" * 120, "type": "default", "channel": "WEB",
        "activated": "true",
    }  # fmt: skip
    assert minimal_product("BEAN-9", None, ProductScope("global")).value("description") == "BEAN-9"


def test_the_digest_names_the_content_and_not_the_operation():
    insert = Import("product", "insert", "R", (("a", "1"),))
    assert insert.digest == Import("product", "merge", "R", (("a", "1"),)).digest
    assert insert.digest != Import("product", "insert", "R", (("a", "2"),)).digest
    assert insert.digest != Import("product", "insert", "S", (("a", "1"),)).digest
