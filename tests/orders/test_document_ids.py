"""What may be an id (docs/reference/api.md#ids)."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from orders.documents import check_id
from orders.documents.schema import CustomerOrderSearch


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "an id is not empty"),
        ("x" * 129, "an id has at most 128 characters"),
        (".", 'an id is not "." or ".."'),
        ("..", 'an id is not "." or ".."'),
        (" a", "an id has no leading or trailing blank"),
        ("a ", "an id has no leading or trailing blank"),
        ("\u00a0a", "an id has no leading or trailing blank"),
        ("a\u2028", "an id has no leading or trailing blank"),
        ("\ta", "an id has no control characters"),
        ("a\0", "an id has no control characters"),
        ("a\x85", "an id has no control characters"),
        ("a\udc80", "an id is Unicode text"),
    ],
)
def test_a_text_that_is_no_id_is_refused_with_a_reason(text, reason):
    assert check_id(text) == reason


@pytest.mark.parametrize(
    "text", ["1", "x" * 128, "...", ".a", "a.", "a/b", "50%", "a:b", "a b", "ø", "\U0001f600", "a\u00adb"]
)
def test_slashes_percents_colons_and_inner_blanks_are_fine_in_an_id(text):
    assert check_id(text) is None


@given(
    st.text(st.sampled_from(". \t\n\0\x7f\x85\u00a0\u2028aø") | st.characters(exclude_categories=["Cs"]), max_size=4)
)
@settings(max_examples=400, deadline=None)
def test_the_published_schema_knows_the_same_ids(text):
    pattern = TypeAdapter(CustomerOrderSearch).json_schema()["properties"]["customerId"]["pattern"]
    assert bool(re.fullmatch(pattern, text)) == (text != "" and check_id(text) is None)
