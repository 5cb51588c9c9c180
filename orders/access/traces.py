"""Finding personal values again in free text: a partner's answer, an error that quotes one, a person's reason.

Partners repeat a value in their own way, so a value is found

    * in any case, with any white space between its words, ``[BR]`` and escaped line breaks among it
    * written as JSON, XML or HTML, percent-encoded, in both Unicode forms, and without its accents
    * a telephone number by its last digits, however it is grouped and whatever stands for the country
    * a single word of a name as it is written, or in capitals
    * cut off by the end of the text, from its first CUT characters on

Not found: one letter; words translated, misspelt or in another script; a value cut in the middle of a text; base64 and
hashes. What looks like a mail address or an international telephone number is taken out whosever it is.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import quote

SHORT = 3
"""Characters up to which a value counts only as a word of its own, as it is written: DK, Bo."""
CUT = 4
"""Characters of a value that betray it at the end of a cut text; fewer begin many words."""
LONGEST = 200
"""Characters of a value looked for at the cut end of a text: the longest name or address line that people have."""
PHONE_DIGITS = 7
"""A subscriber's number without country and area."""

_GAP = r"(?:\s|\[BR\]|\\[nrt]|%20|%0A|\+|&#(?:10|13|32|xA|xD|x20);|<br\s*/?>|&nbsp;)+"
_BETWEEN_DIGITS = r"[\s().\-/]{0,3}"
_MAIL = re.compile(r"[\w.%+-]{1,64}(?:@|%40|&#64;|\\u0040)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PHONE = re.compile(r"(?<![\w.+])(?:\+|%2B)\d(?:[\s().\-/]{0,2}\d){7,14}(?!\d)", re.I)


class Traces:
    """The values of an order as one pattern."""

    def __init__(self, patterns: Iterable[str], beginnings: Iterable[str]) -> None:
        ordered = sorted(set(patterns), key=len, reverse=True)
        self._found = re.compile("|".join(ordered)) if ordered else None
        self._beginnings = sorted(set(beginnings))

    def sub(self, text: str, word: str) -> str:
        ended = self._cut_off(text, word)
        return self._found.sub(word, ended) if self._found else ended

    def _cut_off(self, text: str, word: str) -> str:
        """A value that the end of the text cuts."""
        whole = text.rstrip("….")
        tail = whole[-LONGEST:].lower()
        longest = max((_overlap(tail, beginning) for beginning in self._beginnings), default=0)
        return f"{whole[:-longest]}{word}{text[len(whole) :]}" if longest else text


def pattern_of(values: Iterable[tuple[str, str]]) -> Traces:
    """``values`` are (member, value) pairs."""
    known = [(member, value.strip()) for member, value in values if len(value.strip()) > 1]
    beginnings = (value.lower()[:LONGEST] for _, value in known if len(value) > SHORT)
    return Traces((one for member, value in known for one in _patterns(member, value)), beginnings)


def without_addresses(text: str, word: str) -> str:
    return _PHONE.sub(word, _MAIL.sub(word, text))


def _patterns(member: str, value: str) -> Iterator[str]:
    digits = re.sub(r"\D", "", value)
    if member == "phone" and len(digits) >= PHONE_DIGITS:
        yield _phone(digits)
    if len(value) <= SHORT or digits == value:
        yield rf"(?<!\w){re.escape(value)}(?!\w)"
        return
    for written in _ways(value):
        yield f"(?i:{written})"
    if member == "name":
        for word in re.findall(r"\w{3,}", value):
            yield rf"(?<!\w)(?:{re.escape(word)}|{re.escape(word.upper())})(?!\w)"


def _phone(digits: str) -> str:
    last = _BETWEEN_DIGITS.join(digits[-PHONE_DIGITS:])
    return rf"(?:(?:\+|%2B)?(?:\d{_BETWEEN_DIGITS}){{1,9}})?{last}(?!\d)"


def _ways(value: str) -> set[str]:
    """The patterns of all ways in which a partner may write the value."""
    spellings = {unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value), _plain(value)}
    return {_GAP.join(re.escape(write(word)) for word in one.split()) for one in spellings for write in _WRITINGS}


def _plain(value: str) -> str:
    """Without accents."""
    return "".join(one for one in unicodedata.normalize("NFD", value) if not unicodedata.combining(one))


_WRITINGS = (
    str,
    lambda word: json.dumps(word)[1:-1],
    lambda word: json.dumps(word, ensure_ascii=False)[1:-1],
    html.escape,
    lambda word: html.escape(word, quote=False),
    lambda word: html.escape(word).encode("ascii", "xmlcharrefreplace").decode(),
    lambda word: word.replace("&", "&amp;").replace("'", "&apos;"),
    lambda word: quote(word, safe=""),
)


def _overlap(tail: str, beginning: str) -> int:
    """How many characters at the end of ``tail`` are the first of ``beginning``, but not all of them."""
    for length in range(min(len(beginning) - 1, len(tail)), CUT - 1, -1):
        starts = len(tail) - length
        if tail.endswith(beginning[:length]) and (starts == 0 or not tail[starts - 1].isalnum()):
            return length
    return 0
