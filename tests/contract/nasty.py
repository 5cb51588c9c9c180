"""JSON of every nasty kind: whole bodies that no endpoint takes, and values that no member takes."""

from __future__ import annotations

MIB = 1024 * 1024
DEPTH = 10_000
LONG = "x" * 900_000
"""Long enough for every limit but the body's own."""


def _many_members(count: int) -> bytes:
    return b"{" + b",".join(b'"m%d":0' % number for number in range(count)) + b"}"


NO_JSON = {
    "a blank": b" ",
    "a NUL byte": b"\x00",
    "a NUL byte in a string": b'{"a":"\x00"}',
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-16 without its mark": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": '{"a":1}'.encode("utf-32"),
    "a byte that begins nothing": b'{"a":"\xff"}',
    "a character cut short": b'{"a":"\xe2\x82"}',
    "an overlong slash": b'{"a":"\xc0\xaf"}',
    "an overlong NUL": b'{"a":"\xc0\x80"}',
    "a surrogate as bytes": b'{"a":"\xed\xa0\x80"}',
    "beyond Unicode": b'{"a":"\xf4\x90\x80\x80"}',
    "NaN": b"NaN",
    "NaN inside": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "-Infinity": b'{"a":-Infinity}',
    "a word": b"nul",
    "a comment": b"/* hello */ {}",
    "single quotes": b"{'a':1}",
    "a comma too many": b'{"a":1,}',
    "a line break in a string": b'{"a":"\n"}',
    "an escape that is none": b'{"a":"\\x41"}',
    "half an escape": b'{"a":"\\u00',
    "cut in a string": b'{"a":"b',
    "cut in a name": b'{"a',
    "cut after a value": b'{"a":1',
    "something after the end": b"{}x",
    "two documents": b"{} {}",
    "a form": b"grant_type=client_credentials",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "a YAML alias": b"a: &a [*a]",
    "a MiB of blanks": b" " * MIB,
    "a MiB of brackets": b"[" * MIB,
    "a MiB of open objects": b'{"a":' * (MIB // 5),
    "depth 10,000": b"[" * DEPTH + b"]" * DEPTH,
    "objects 10,000 deep": b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
    "a member 300 deep": b'{"a":' + b"[" * 300 + b"]" * 300 + b"}",
    "a member 700 deep": b'{"a":' + b"[" * 700 + b"]" * 700 + b"}",
    "a lone high surrogate": b'{"a":"\\ud800"}',
    "a lone low surrogate": b'{"a":"\\udc00"}',
    "surrogates the wrong way round": b'{"a":"\\udc00\\ud800"}',
    "a lone surrogate in a name": b'{"\\ud800":1}',
    "an escaped NUL": b'{"a":"\\u0000"}',
    "an escaped NUL in a name": b'{"\\u0000":1}',
    "a name twice": b'{"a":1,"a":1}',
    "a name twice, once escaped": b'{"a":1,"\\u0061":1}',
    "a name twice, deep inside": b'{"a":[{"b":{"c":1,"c":1}}]}',
    "a name 100,000 times": b"{" + b",".join([b'"a":1'] * 100_000) + b"}",
    "400 digits": b'{"a":' + b"9" * 400 + b"}",
    "a MiB of digits": b"[" + b"9" * (MIB - 2) + b"]",
    "1e999999": b'{"a":1e999999}',
    "1e-999999": b'{"a":1e-999999}',
    "a hundred thousand gigabytes": b"[" + b"1e999999," * 100_000 + b"1]",
    "0x10": b'{"a":0x10}',
    "01": b'{"a":01}',
}
"""Not JSON at all, or JSON that could mean two things: nobody takes it."""

NO_OBJECT = {
    "null": b"null",
    "true": b"true",
    "a number": b"1",
    "a string": b'"x"',
    "an empty array": b"[]",
    "an array of an object": b"[{}]",
    "a MiB of string": b'"' + b"x" * (MIB - 2) + b'"',
    "a MiB of escapes": b'"' + b"\\u00e9" * (MIB // 6 - 1) + b'"',
    "half a million numbers": b"[" + b"0," * 500_000 + b"0]",
    "300,000 empty arrays": b"[" + b"[]," * 300_000 + b"[]]",
    "80,000 members": _many_members(80_000),
    "a member with a name of 900,000 characters": b'{"' + LONG.encode() + b'":1}',
    "a member that is a pointer": b'{"a/b~c":1}',
    "a member of a class": b'{"__proto__":{"a":1},"constructor":1}',
}
"""JSON, but of no shape that an endpoint takes."""

NO_TEXT = {
    "an object with a name twice": '{"a":1,"a":2}',
    "an object": "{}",
    "an array": "[]",
    "an array 10,000 deep": "[" * DEPTH + "]" * DEPTH,
    "a huge array": "[" + "0," * 200_000 + "0]",
    "true": "true",
    "NaN": "NaN",
    "400 digits": "9" * 400,
    "1e999999": "1e999999",
    "-1e999999": "-1e999999",
    "1e-999999": "1e-999999",
    "a lone surrogate": '"\\ud800"',
    "a lone surrogate after text": '"abc\\udfff"',
    "an escaped NUL": '"a\\u0000b"',
    "a MiB of string": f'"{LONG}"',
}
"""Values that are no text of a fair length, wherever a text is wanted."""
