"""Personal values in free text: found however a partner writes them, and nothing else touched."""

import json
import time
from urllib.parse import quote

import pytest

from orders.documents import ORDER, load, render
from orders.documents.schema import CustomerOrder
from orders.integrations.erasure import Erasure
from orders.masking.documents import (
    DEEPEST,
    ERASED_COUNTRY,
    MASK,
    PERSONAL,
    Masker,
    PersonalValue,
    erased_document,
    masked_document,
    masked_json,
    masked_text,
    values_in,
    values_in_json,
)
from orders.masking.free_text import NEAR_MOST, PATTERNS_MOST
from tests.orders.personal_scene import document

DOCUMENT = document(1, "1001", case={"uuid": "u", "number": "n", "externalClaimId": "", "token": "c." + "0" * 8 +
                                     "-0000-0000-0000-" + "0" * 12, "caseType": "contentClaim"})  # fmt: skip
VALUES = values_in(DOCUMENT)
NAME, LINE, PHONE = (
    DOCUMENT["customer"]["name"], DOCUMENT["deliveryAddress"]["line1"], DOCUMENT["customer"]["phone"],
)  # fmt: skip
CITY = DOCUMENT["deliveryAddress"]["city"]


def test_every_personal_member_is_covered_and_every_id_kept():
    masked = masked_document(DOCUMENT)
    assert set(masked["customer"].values()) | set(masked["deliveryAddress"].values()) == {MASK}
    assert masked["invoicePaymentInstructions"] == {
        "customerAccountId": MASK,
        "invoicingAmount": 5,
        "additionalInformation": [{"id": MASK, "value": MASK, "displayText": MASK, "receiptLabel": MASK}],
    }
    kept = ("customerOrderId", "customerId", "status", "items", "case")
    assert {name: masked[name] for name in kept} == {name: DOCUMENT[name] for name in kept}


def test_the_list_names_members_of_the_schema():
    assert set(PERSONAL) <= CustomerOrder.__annotations__.keys()


def test_an_erased_document_is_still_valid_and_erasing_it_again_changes_nothing():
    erased = erased_document(DOCUMENT)
    assert ORDER.check(load(render(erased)), strict=True).mismatches == ()
    assert erased["deliveryAddress"]["countryCode"] == ERASED_COUNTRY
    assert erased_document(erased) == erased
    assert values_in(erased) == set()


def test_masking_keeps_digits_and_members_in_any_depth():
    text = '{"order":{"customer":{"name":"A"},"items":[{"unitPrice":19.90}]},"digest":"d"}'
    assert masked_json(text) == text.replace('"A"', f'"{MASK}"')
    assert masked_json("no JSON at all") == "no JSON at all"


@pytest.mark.parametrize(
    "written",
    [
        NAME, NAME.upper(), NAME.replace(" ", "\n  "), NAME.replace(" ", "[BR]"), quote(NAME), NAME.replace(" ", "+"),
        LINE, json.dumps(LINE)[1:-1], LINE.replace('"', "&quot;"), LINE.replace('"', "&#34;"),
        CITY, CITY.replace("ö", "o"), CITY.replace("ö", "o\u0308"), json.dumps(CITY)[1:-1], quote(CITY),
        PHONE, PHONE.replace(" ", ""), "071 98-76-54", "0045" + PHONE[4:].replace(" ", ""),
        NAME.split()[0], NAME.split()[1].upper(),
    ],
)  # fmt: skip
def test_a_value_is_found_as_a_partner_writes_it(written):
    assert masked_text(f"Refused: <{written}>.", VALUES) == f"Refused: <{MASK}>."


STREET = """Öde & "Lö" d'Or 5"""


@pytest.mark.parametrize(
    "written",
    [
        STREET,
        """Öde & \\"Lö\\" d'Or 5""",
        """Öde &amp; &quot;Lö&quot; d&#x27;Or 5""",
        """Öde &amp; "Lö" d'Or 5""",
        """Öde &amp; "Lö" d&apos;Or 5""",
        """&#214;de &amp; &quot;L&#246;&quot; d&#x27;Or 5""",
        """&#214;de &#38; &#34;L&#246;&#34; d&#39;Or 5""",
        """&#xd6;de &#x26; &#x22;L&#xf6;&#x22; d&#x27;Or 5""",
    ],
)
def test_marks_and_accents_together_are_found_in_every_writing(written):
    values = values_in({"deliveryAddress": {"line1": STREET}})
    assert masked_text(f"Refused: [{written}].", values) == f"Refused: [{MASK}]."


@pytest.mark.parametrize("length", [4, 8, 12])
def test_a_value_that_the_end_of_a_text_cuts_is_found(length):
    assert masked_text(f"Refused: {NAME[:length]}", VALUES).startswith(f"Refused: {MASK}")
    assert masked_text("x " * 200 + NAME[:1], VALUES).endswith(f"x {MASK}")


@pytest.mark.parametrize("words", ["order 1001 of store-1", "BEAN-1 is unknown", "2026-11-20T08:46:36+0200", "QZX", ""])
def test_what_is_nobodys_value_stays(words):
    assert masked_text(words, VALUES) == words


def test_addresses_and_international_numbers_of_anybody_are_masked_but_not_erased():
    said = "write to somebody@else.example or call +44 20 7946 0958"
    assert Masker().text(said) == f"write to {MASK} or call {MASK}"
    assert Masker().known(said) == said


def test_short_values_count_as_words_of_their_own_only():
    values = values_in({"customer": {"name": "Bo"}, "deliveryAddress": {"countryCode": "DK"}})
    assert masked_text("Bo of DK, not Bob of DKK or body", values) == f"{MASK} of {MASK}, not Bob of DKK or body"


def test_pieces_of_orders_of_anybody_are_masked_by_their_members():
    said = 'got {"customerId":"c-9","customer":{"name":"Some \\"Body\\"","phone":"12'
    assert Masker().text(said) == f'got {{"customerId":"c-9","customer":{{"name":"{MASK}","phone":"{MASK}'
    assert Masker().text("deliveryContactName=Some Body\nsource=web") == f"deliveryContactName={MASK}\nsource=web"


@pytest.mark.parametrize("count", [NEAR_MOST + 1, 6_400])
def test_a_text_that_may_hold_thousands_of_known_values_is_taken_out_as_a_whole_and_at_once(count):
    """To look for 501 values would take some 20 times as long as to see that they are too many."""
    values = [PersonalValue("name", f"Person{number}Family{number}") for number in range(count)]
    text = " ".join(value for _, value in values)
    masker = Masker(values)
    began = time.thread_time()
    assert masker.text(text) == "(masked)"
    assert time.thread_time() - began < count / 5_000


def test_thousands_of_known_values_leave_alone_a_text_that_holds_few():
    values = [PersonalValue("name", f"Person{number:04} Family{number:04}") for number in range(6_400)]
    assert Masker(values).text("Person0007 was not at home.") == "(masked) was not at home."


def test_as_many_values_as_are_looked_for_are_taken_out_one_by_one():
    values = [PersonalValue("name", f"Person{number:04}") for number in range(NEAR_MOST)]
    text = ", ".join(value for _, value in values)
    began = time.thread_time()
    assert Masker(values).text(text) == ", ".join(["(masked)"] * NEAR_MOST)
    assert time.thread_time() - began < 3


@pytest.mark.parametrize("count", [20, NEAR_MOST])
def test_values_that_can_be_written_in_very_many_ways_cost_no_more_than_others(count):
    """Each in some thirty ways, of forty words."""
    values = [PersonalValue("name", f"Person{number:04} " + "Ö&'\"x " * 40) for number in range(count)]
    text = " ".join(f"Person{number:04}" for number in range(count))
    began = time.thread_time()
    assert Masker(values).text(text) == "(masked)"
    assert time.thread_time() - began < 3


def test_the_ways_to_write_one_long_name_are_all_looked_for():
    name = "Ö&'\"x " * 40
    assert Masker([PersonalValue("name", name)]).text(f"Refused: <{quote(name.strip())}>.") == "Refused: <(masked)>."
    assert PATTERNS_MOST > 2 * 110_000


HOSTILE = {
    "+ + + + + X": "+", "+ " * 60 + "X": "+", "%20 " * 20 + "X": "%20", "[BR] " * 20 + "X": "[BR]",
    "&nbsp; " * 20 + "X": "&nbsp;", "\\n " * 20 + "X": "\\n", "&#32; " * 20 + "X": "&#x20;",
    "<br /> " * 20 + "X": "<br   ", "a " * 60 + "X": "a ", "a + " * 30 + "X": "a+", "a+b " * 30 + "X": "a b ",
    "& " * 60 + "X": "&amp;+",
}  # fmt: skip
"""Names that begin like a text of many equal pieces; the piece."""


@pytest.mark.parametrize("member", ["name", "line1", "phone"])
@pytest.mark.parametrize(("name", "piece"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_the_time_to_mask_a_text_grows_with_its_length_and_no_faster(name, piece, member):
    masker = Masker([PersonalValue(member, name)])
    for size in (20, 40, 80, 160):
        assert _seconds(masker, piece * size) < 1
    small, large = (min(_seconds(masker, piece * size) for _ in range(3)) for size in (10_000, 40_000))
    assert large < 10 * small + 0.02, (
        "four times the text may cost some four times as much; its square would be sixteen"
    )


def _seconds(masker, text):
    began = time.thread_time()
    masker.foreign(f"refused x {text} 12")
    return time.thread_time() - began


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Foo +45 Bar", "foo +45 bar"), ("Foo +45 Bar", "Foo%20%2B45%20Bar"), ("Foo + Bar", "Foo+Bar"),
        ("Foo\\name Bar", "Foo\\name\nBar"), ("Foo \\name", '"Foo \\\\name"'), ("[BR] Foo", "Foo"),
        ("Foo%20Bar", "Foo%20Bar"), ("Foo &nbsp; Bar", "Foo &amp;nbsp; Bar"), ("+ + Xy", "Xy"),
    ],
)  # fmt: skip
def test_a_value_that_holds_gaps_is_found_as_a_partner_writes_it(name, written):
    left = masked_text(f"[{written}]", [PersonalValue("line1", name)])
    assert left.strip('"[]') == MASK


def test_what_is_left_of_a_value_of_gaps_counts_as_a_word_of_its_own():
    values = [PersonalValue("name", "+ + + + X"), PersonalValue("name", "+ + + +")]
    assert masked_text("Extra + X, x-ray", values) == f"Extra + {MASK}, x-ray"


DEEP = {
    "lists": "[" * 600 + '{"name":"Ada"}' + "]" * 600,
    "objects": '{"a":' * 600 + '{"name":"Ada"}' + "}" * 600,
    "customers": '{"customer":' * 600 + '{"name":"Ada"}' + "}" * 600,
    "beyond the reader": '{"customer":' * 5_000 + '{"name":"Ada"}' + "}" * 5_000,
    "the deepest that is JSON": '{"customer":' * (DEEPEST - 1) + '{"name":"Ada"}' + "}" * (DEEPEST - 1),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("way", ["foreign", "document"])
def test_a_text_nested_beyond_all_reason_is_masked_as_free_text(text, way):
    masked = getattr(Masker(), way)(text)
    assert "Ada" not in masked
    assert masked.count("{") == text.count("{")


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_a_text_nested_beyond_all_reason_does_not_end_an_erasure(text):
    erasure = Erasure(frozenset({PersonalValue("name", "Ada")}), write=True)
    assert ["Ada" in change(text) for change in (erasure.body(), erasure.payload(), erasure.text())] == [False] * 3
    assert isinstance(values_in_json(text), set)
