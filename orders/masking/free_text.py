"""Finding personal values again in free text: a partner's answer, an error that quotes one, a person's reason.

Partners repeat a value in their own way, so a value is found

    * in any case, with any white space between its words, ``[BR]`` and escaped line breaks among it
    * written as JSON, XML or HTML, percent-encoded, in both Unicode forms, and without its accents
    * a telephone number by its last digits, however it is grouped and whatever stands for the country
    * a single word of a name as it is written, or in capitals
    * cut off by the end of a text, from its first CUT characters on, in a long one from the first

Not found: one letter; words translated, misspelt or in another script; a value cut in the middle of a text; base64 and
hashes. What looks like a mail address or an international telephone number is taken out whosever it is.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

SHORT = 3
"""Characters up to which a value counts only as a word of its own, as it is written: DK, Bo."""
CUT = 4
"""Characters of a value that betray it at the end of a cut text; fewer begin many words."""
LONGEST = 200
"""Characters of a value looked for at the cut end of a text: the longest name or address line that people have."""
NEAR_MOST = 500
"""Values looked for in one text: some twenty documents' worth. A text that may hold more is taken out as a whole."""
PATTERNS_MOST = 250_000
"""Characters of all patterns for one text; so many compile in half a second. Those of a document have 30,000, those of
a name of forty words, each with accents and marks, 110,000. A text that may need more is taken out as a whole."""
PHONE_DIGITS = 7
"""A subscriber's number without country and area."""

_GAP = r"(?>(?:[\s+]|\[BR\]|\\[nrt]|%(?:20|0A)|&(?:#(?:10|13|32|xA|xD|x20)|nbsp);|<br\s*/?>)+)"
"""Atomic: a gap is taken as a whole or not at all, so that a text of gaps is not divided among words in every way."""
_GAPS = re.compile(_GAP, re.I)
_BETWEEN_DIGITS = r"[\s().\-/]{0,3}"
_NO_DIGIT = re.compile(r"\D")
_ASCII = re.compile(r"[a-z0-9]+")
_WORD_START = re.compile(r"(?<![^\W_])[^\s]")
_MAIL = re.compile(r"[\w.%+-]{1,64}(?:@|%40|&#64;|\\u0040)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PROPERTY = re.compile(r"\b((?:delivery|invoice)(?:Contact|Address|Post|Country|Email|Day|Mobile)\w*=)[^\n<]*")
_PHONE = re.compile(r"(?<![\w.+])(?:\+|%2B)\d(?:[\s().\-/]{0,2}\d){7,14}(?!\d)", re.I)


@dataclass(frozen=True, slots=True)
class _Value:
    """One of ``clues`` stands in every text that holds the value, or a word of a name, whatever way it is written."""

    member: str
    text: str
    clues: tuple[str, ...]
    digits: str

    def may_be_in(self, folded: str, digits: str) -> bool:
        return any(clue in folded for clue in self.clues) or bool(self.digits and self.digits in digits)


class Traces:
    """The values of one order or of many; only those with a clue in a text are looked for there."""

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        known = {(member, value.strip()) for member, value in values if len(value.strip()) > 1}
        self._values = [
            _Value(member, value, _clues(member, value), _phone_digits(member, value)) for member, value in known
        ]
        self._beginnings = {value[:LONGEST].lower() for _, value in known if len(value) > SHORT}

    def sub(self, text: str, word: str) -> str:
        ended = self._cut_off(text, word)
        folded, digits = ended.lower(), _NO_DIGIT.sub("", ended)
        near = [value for value in self._values if value.may_be_in(folded, digits)]
        patterns = _patterns_of(near)
        if patterns is None:
            return word
        return re.sub("|".join(sorted(patterns, key=lambda one: (-len(one), one))), word, ended) if patterns else ended

    def _cut_off(self, text: str, word: str) -> str:
        """A value that the end of the text cuts: in a long text even its first letter, as it was most likely cut."""
        whole = text.rstrip("….")
        tail = whole[-LONGEST:].lower()
        least = 1 if len(text) >= LONGEST else CUT
        for start in (one.start() for one in _WORD_START.finditer(tail)):
            piece = tail[start:]
            if len(piece) < least:
                break
            if any(len(one) > len(piece) and one.startswith(piece) for one in self._beginnings):
                return f"{whole[: -len(piece)]}{word}{text[len(whole) :]}"
        return text


def without_addresses(text: str, word: str) -> str:
    return _PHONE.sub(word, _MAIL.sub(word, text))


def without_members(text: str, names: Iterable[str], word: str) -> str:
    """Pieces of JSON with these members, and of imports with addresses, in a text that is neither as a whole."""
    members = rf'("(?:{"|".join(map(re.escape, names))})"\s*:\s*")(?:[^"\\]|\\.)*'
    return _PROPERTY.sub(rf"\g<1>{word}", re.sub(members, rf"\g<1>{word}", text))


def _clues(member: str, value: str) -> tuple[str, ...]:
    """Runs of ASCII letters and digits: no way of writing changes them, but for their case. The longest will do."""
    words = value.split() if member == "name" else [value]
    return tuple(max(_ASCII.findall(word.lower()), key=len, default="") for word in words)


def _phone_digits(member: str, value: str) -> str:
    digits = _NO_DIGIT.sub("", value)
    return digits[-PHONE_DIGITS:] if member == "phone" and len(digits) >= PHONE_DIGITS else ""


def _patterns_of(near: Collection[_Value]) -> set[str] | None:
    """All patterns of these values; None where they are more than are looked for."""
    patterns: set[str] = set()
    if len(near) > NEAR_MOST:
        return None
    length = 0
    for pattern in (one for value in near for one in _patterns(value)):
        patterns.add(pattern)
        length += len(pattern)
        if length > PATTERNS_MOST:
            return None
    return patterns


def _patterns(value: _Value) -> Iterator[str]:
    text = value.text
    if value.digits:
        yield _phone(value.digits)
    if len(text) <= SHORT or not _NO_DIGIT.search(text):
        yield rf"(?<!\w){re.escape(text)}(?!\w)"
        return
    yield from _ways(text)
    if value.member == "name":
        for word in re.findall(r"\w{3,}", text):
            yield rf"(?<!\w)(?:{re.escape(word)}|{re.escape(word.upper())})(?!\w)"


def _phone(digits: str) -> str:
    last = _BETWEEN_DIGITS.join(digits)
    return rf"(?:(?:\+|%2B)?(?:\d{_BETWEEN_DIGITS}){{1,9}})?{last}(?!\d)"


def _ways(value: str) -> set[str]:
    """The patterns of all ways in which a partner may write the value."""
    spellings = {unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value), _plain(value)}
    return {_pattern(_words(one, write)) for one in spellings for write in _WRITINGS} - {""}


def _words(value: str, write: Callable[[str], str]) -> tuple[str, ...]:
    """The value as written, without the gaps in it: a word that is itself a gap, or holds one, says nothing by it."""
    return tuple(piece for word in value.split() for piece in _GAPS.split(write(word)) if piece)


def _pattern(words: tuple[str, ...]) -> str:
    joined = _GAP.join(map(re.escape, words))
    return f"(?i:{joined})" if sum(map(len, words)) > SHORT else joined and rf"(?<!\w){joined}(?!\w)"


def _plain(value: str) -> str:
    """Without accents."""
    return "".join(one for one in unicodedata.normalize("NFD", value) if not unicodedata.combining(one))


_MARKUP = "&<>\"'"
_WRITINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda word: json.dumps(word)[1:-1],
    lambda word: json.dumps(word, ensure_ascii=False)[1:-1],
    html.escape,
    lambda word: html.escape(word, quote=False),
    lambda word: html.escape(word).encode("ascii", "xmlcharrefreplace").decode(),
    lambda word: word.replace("&", "&amp;").replace("'", "&apos;"),
    lambda word: "".join(f"&#{ord(one)};" if one in _MARKUP or not one.isascii() else one for one in word),
    lambda word: "".join(f"&#x{ord(one):x};" if one in _MARKUP or not one.isascii() else one for one in word),
    lambda word: quote(word, safe=""),
)
