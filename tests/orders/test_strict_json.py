"""Bytes to values and back: no guess, no digit lost, no crash (docs/reference/customer-order.md#numbers)."""

import gc
import json
import time
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orders.documents import decode, digest, load, render
from orders.documents.strict_json import MAX_DEPTH, within_bounds
from orders.values.problems import InvalidBody


def faults(body: bytes) -> list[tuple[str, str]]:
    with pytest.raises(InvalidBody) as refused:
        decode(body)
    return [(fault.pointer, fault.detail) for fault in refused.value.errors]


NESTED = "Expected at most 20 levels of nesting, found more."
BOUNDS = "Expected a number of at most 30 significant digits and an exponent within ±30, found another number."
TWICE = "Expected each name once, found a name twice."


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("19.90", "19.90"),
        ("19.9", "19.9"),
        ("1e2", "100"),
        ("1E+2", "100"),
        ("1.50e1", "15.0"),
        ("1e-3", "0.001"),
        ("0.1", "0.1"),
        ("0.0", "0.0"),
        ("-0.0", "-0.0"),
        ("-0", "0"),
        ("-0e0", "0"),
        ("0e5", "0"),
        ("-0e5", "0"),
        ("100", "100"),
        ("-100.10", "-100.10"),
        ("1.00000000000000000000000000001", "1.00000000000000000000000000001"),
        ("0.1234567890123456789012345678", "0.1234567890123456789012345678"),
        ("9007199254740993", "9007199254740993"),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("9" * 30, "9" * 30),
        ("-" + "9" * 30, "-" + "9" * 30),
        ("0." + "9" * 30, "0." + "9" * 30),
        ("1e30", "1" + "0" * 30),
        ("1" + "0" * 30, "1" + "0" * 30),
        ("1e-30", "0." + "0" * 29 + "1"),
    ],
)
def test_a_number_comes_out_with_the_digits_it_came_in_with(text, written):
    assert render(decode(f'{{"n":{text}}}'.encode())) == f'{{"n":{written}}}'.encode()


def test_a_number_is_an_int_or_a_decimal_and_never_a_binary_float():
    assert [type(number) for number in decode(b"[1, 1.0, 1e2, 18446744073709551616]")] == [int, Decimal, Decimal, int]


@pytest.mark.parametrize(
    "text",
    [
        "9" * 31,
        "-" + "9" * 31,
        "1" + "0" * 31,
        "1." + "0" * 30,
        "0." + "9" * 31,
        "9" * 31 + "e0",
        "1" + "0" * 31 + "e0",
        "1e31",
        "1E+31",
        "1e-31",
        "-1e31",
        "0e31",
        "1E+999999999",
        "1E-999999999",
        "1.5e99999999999999999999999",
        "1e-99999999999999999999999",
        "0e99999999999999999999999",
        "9" * 5_000,
        "-" + "9" * 5_000,
        "0." + "1" * 5_000,
        "1" + "0" * 100_000,
    ],
)
def test_a_number_beyond_the_bounds_is_refused_where_it_stands(text):
    assert faults(f'{{"a":[0,{{"n":{text}}}]}}'.encode()) == [("/a/1/n", BOUNDS)]


def test_a_gigabyte_in_twelve_bytes_is_refused_at_once():
    began = time.perf_counter()
    assert len(faults(b"[" + b"1E+999999999," * 10_000 + b"1]")) == 20
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity"), Decimal("sNaN")])
def test_what_is_not_finite_is_out_of_bounds(number):
    assert not within_bounds(number)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b'{"a":1,"a":1}', ["/a"]),
        (b'{"a":1,"b":2,"a":3,"a":4}', ["/a", "/a"]),
        (b'{"a":1,"\\u0061":2}', ["/a"]),
        (b'{"":1,"":2}', ["/"]),
        (b'{"a/b~c":1,"a/b~c":2}', ["/a~1b~0c"]),
        (b'[{},{"x":[{"y":1,"y":2}]}]', ["/1/x/0/y"]),
        (b'{"a":{"b":1,"b":2},"a":{"c":1,"c":2}}', ["/a", "/a/b", "/a/c"]),
        (b'{"a":"10:00","a":"x"}', ["/a"]),
        (b'{"a":":","a":"\\u003a\\u003A:"}', ["/a"]),
        (b'{"a":"","b":"\\u003a","a":""}', ["/a"]),
        (b'{"a":"","b\\u003A":"","a":""}', ["/a"]),
        (b'{"a":{"b":{"c":{}}},"a":null}', ["/a"]),
        ('{"ø":1,"ø":2}'.encode(), ["/ø"]),
    ],
)
def test_a_name_twice_in_one_object_is_refused_where_it_stands(body, pointers):
    assert faults(body) == [(pointer, TWICE) for pointer in pointers]


@pytest.mark.parametrize(
    "body", [b'{"a":{"a":1},"b":{"a":1}}', b'{"a":1,"A":2}', b'[{"a":1},{"a":1}]', b'{"a":":::","b":"\\u003a"}']
)
def test_the_same_name_in_different_objects_is_no_repetition(body):
    assert decode(body) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "pointer"), [(b'{"a":["x\\u0000"]}', "/a/0"), (b'"\\u0000"', ""), (b'{"a\\u0000":1}', "/a\0")]
)
def test_u0000_is_refused_because_postgresql_would(body, pointer):
    assert [at for at, _ in faults(body)] == [pointer]


def test_an_escaped_backslash_before_u0000_is_plain_text():
    assert decode(b'["\\\\u0000"]') == ["\\u0000"]


@pytest.mark.parametrize(
    "escape",
    ["\\ud800", "\\udc00", "\\ud800\\ud800", "\\udc00\\ud800", "\\ud800x", "\\uD800\\u0041", "\\ud83d \\ude00"],
)
@pytest.mark.parametrize("frame", ['"%s"', '{"%s":1}', '["%s abcdefghijklmnop"]'])
def test_a_lone_surrogate_is_refused(escape, frame):
    assert [at for at, _ in faults((frame % escape).encode())] == [""]


def test_a_surrogate_pair_is_one_character():
    assert decode(b'"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize("raw", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80"])
def test_bytes_that_are_not_utf_8_are_refused(raw):
    assert faults(b'{"a":"' + raw + b'"}') == [("", "Expected JSON in UTF-8, found other bytes.")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"nul",
        b"NaN",
        b"[NaN]",
        b"Infinity",
        b"-Infinity",
        b"{",
        b"[1,]",
        b'{"a":1,}',
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"0x1",
        b"{a:1}",
        b"{'a':1}",
        b'"a\nb"',
        b'"\x00"',
        b"1 2",
        b"{}{}",
        b"//\n1",
        b"\xef\xbb\xbf{}",
        b"{1:2}",
        b"True",
        '{"a":1}'.encode("utf-16"),
    ],
)
def test_what_is_not_json_is_refused(body):
    ((pointer, detail),) = faults(body)
    assert pointer == ""
    assert detail.startswith(("Expected well-formed JSON, found malformed JSON", "Expected JSON in UTF-8"))


def test_a_refusal_of_malformed_json_names_the_place():
    assert faults(b'{"a":1,}') == [
        ("", "Expected well-formed JSON, found malformed JSON (trailing comma in object (byte 7)).")
    ]


def test_malformed_json_after_a_wild_number_is_still_only_refused():
    assert faults(b"[1e999,")[0][0] == ""


@pytest.mark.parametrize(
    "bomb", [b"[" * 10_000, b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000]
)
def test_a_nesting_bomb_is_refused(bomb):
    assert faults(bomb) == [("", NESTED)]


@pytest.mark.parametrize("frame", [(b"[", b"]"), (b'{"a":', b"}")])
def test_twenty_levels_are_taken_and_one_more_is_refused(frame):
    opened, closed = frame
    decode(opened * MAX_DEPTH + b"1" + closed * MAX_DEPTH)
    assert faults(opened * (MAX_DEPTH + 1) + b"1" + closed * (MAX_DEPTH + 1)) == [("", NESTED)]


@pytest.mark.parametrize("empty", [b"[]", b"{}"])
@pytest.mark.parametrize("beside", [b"", b',{"a":1,"a":2}'])
def test_an_empty_list_or_object_is_a_level_too(empty, beside):
    opened, closed = b"[" * (MAX_DEPTH - 1), b"]" * (MAX_DEPTH - 1)
    decode(opened + empty + closed)
    assert faults(b"[" + opened + empty + closed + beside + b"]") == [("", NESTED)]


@pytest.mark.parametrize("core", [b"1", b"1e99", b'"\\u0000"', b"1" + b"0" * 40])
def test_a_mebibyte_of_nested_lists_is_refused_within_a_second_and_a_half(core):
    deep = b"[" * 900 + core + b"]" * 900
    body = b"[" + b",".join([deep] * (1024 * 1024 // len(deep))) + b"]"
    gc.disable()  # a collection would walk through all that the suite holds
    try:
        began = time.thread_time()
        assert faults(body) == [("", NESTED)]
        assert time.thread_time() - began < 1.5
    finally:
        gc.enable()


def test_depth_behind_a_name_twice_is_seen_before_the_name():
    assert faults(b'{"a":' + b"[" * 400 + b"]" * 400 + b',"a":1}') == [("", NESTED)]


@pytest.mark.parametrize("depth", [200, 254, 255, 256, 300, 600, 900, 990, 1_000, 1_100])
@pytest.mark.parametrize("core", [b"1", b"1e99", b'{"a":1,"a":1}', b'"\\u0000"'])
def test_depth_is_refused_whatever_lies_below_it(depth, core):
    assert faults(b"[" * depth + core + b"]" * depth) == [("", NESTED)]


def test_the_faults_of_one_body_are_listed_up_to_twenty():
    assert len(faults(b"{" + b",".join(b'"a":1' for _ in range(5_000)) + b"}")) == 20


SCALARS = (
    st.none()
    | st.booleans()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
    | st.integers(-(10**30) + 1, 10**30 - 1)
    | st.decimals(allow_nan=False, allow_infinity=False).filter(within_bounds)
)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)


@given(VALUES)
@example({":": "::", "a": [{":": 1}]})
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_again_and_written_the_same(value):
    text = render(value)
    assert render(load(text)) == text
    assert render(decode(text)) == text
    assert load(text) == value


@given(VALUES, st.booleans())
@settings(max_examples=200, deadline=None)
def test_every_spelling_of_a_good_value_is_accepted(value, escaped):
    body = json.dumps(json.loads(render(value), parse_float=str), ensure_ascii=escaped, indent=1).encode()
    assert decode(body) == json.loads(body)


def members(pairs):
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"


JSON_TEXTS = st.recursive(
    SCALARS.map(lambda value: render(value).decode())
    | st.sampled_from(['":"', '"\\u003a"', '"\\u003A:"', '"\\\\u0000"']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda texts: "[" + ",".join(texts) + "]")
        | st.lists(st.tuples(st.sampled_from(["a", "b", ":", "a:"]), inner), max_size=3).map(members)
    ),
    max_leaves=10,
)


class RepeatedError(Exception):
    pass


def once(pairs):
    if len(dict(pairs)) < len(pairs):
        raise RepeatedError
    return dict(pairs)


@given(JSON_TEXTS)
@settings(max_examples=400, deadline=None)
def test_exactly_the_bodies_with_a_name_twice_are_refused(text):
    try:
        json.loads(text, object_pairs_hook=once)
    except RepeatedError:
        assert {detail for _, detail in faults(text.encode())} == {TWICE}
    else:
        decode(text.encode())


@given(st.binary(max_size=60) | st.text('{}[]",:\\ue01-dD.null\0 ', max_size=40).map(str.encode))
@settings(max_examples=400, deadline=None)
def test_no_bytes_do_more_than_be_refused(body):
    try:
        value = decode(body)
    except InvalidBody as refused:
        render(refused.as_json("c")["errors"])
    else:
        assert render(load(render(value))) == render(value)


@pytest.mark.parametrize("stranger", [object(), {1, 2}, [b"x"]])
def test_what_has_no_json_form_is_not_written(stranger):
    with pytest.raises(TypeError):
        render(stranger)


def test_wide_integers_are_written_anywhere():
    assert render({"a": [(10**29, {"b": -(10**29)})], "c": True}) == (
        b'{"a":[[1%s,{"b":-1%s}]],"c":true}' % (b"0" * 29, b"0" * 29)
    )


def test_the_digest_is_that_of_the_content_and_of_every_digit():
    base = digest({"a": Decimal("19.90"), "b": [1, 2]})
    assert digest({"b": [1, 2], "a": Decimal("19.90")}) == base
    others = [{"a": Decimal("19.9"), "b": [1, 2]}, {"a": Decimal("19.90"), "b": [2, 1]}, {"a": Decimal("19.90")}]
    assert base not in {digest(other) for other in others}
    assert digest({"a": 10**29}) == digest(load(render({"a": 10**29})))
    assert len(base) == 64
