"""OrderFlow's answers as bytes, read safely: no entities, no network, no DTD, bounded. No Django.

Unreadable      no usable XML came; ``text`` is what a person may read of it
"""

from __future__ import annotations

import html
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE

from lxml import etree

from orders.values.media_types import media_type

BYTES_PER_ITEM = 16_384
"""Room for one item's answer: a failure detail can hold a stack trace of some 10 KiB."""
TAGS_PER_ITEM = 64
"""An item's answer has at most 3 elements in a result, 1 in a detail; tags are counted before a tree is built."""
_ALLOWANCE = 16

TEXT_LIMIT = 65_536
"""No error text is read further than this; every fixed half of section 4 stands in its first lines."""

KEPT = 2_000
"""Characters of an answer's text that are kept, per import: as much as of its body (orders.outbox.outcomes)."""

_ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)""", re.IGNORECASE)
_ENCODINGS = re.compile(rb"utf-?8|us-ascii|iso-8859-\d+|latin-?1|windows-125\d", re.IGNORECASE)
"""Those that write a tag as ASCII does; in any other the tags could not be counted. OrderFlow's is UTF-8."""
_TRANSCODED = re.compile(r"us-ascii|iso-8859-\d+|latin-?1|windows-125\d|utf-?16(?:[bl]e)?", re.IGNORECASE | re.ASCII)
_UTF_8 = re.compile(r"utf-?8", re.IGNORECASE)
_DECLARATION = re.compile(r"\ufeff?\s*<\?xml\s[^>]*\?>")
_SPACE = re.compile(r"\s+")
_NO_CHARACTER = re.compile(r"&#[0-9]{8,}")
"""The last one has seven digits. ``html.unescape`` raises ValueError for thousands of them."""
_TAG = re.compile(r"<[^<>]*>")


class Unreadable(Exception):
    """The answer is not the XML that was asked for."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.text = text


def plain(text: str) -> str:
    """Text as section 4 compares it: CDATA unwrapped, tags dropped, entities unescaped, white space collapsed."""
    bare = text[:TEXT_LIMIT].replace("<![CDATA[", "").replace("]]>", "").replace("\x00", "\ufffd")
    unescaped = _unescaped(_unescaped(_TAG.sub(" ", bare)))
    return _SPACE.sub(" ", unescaped).strip()


def _unescaped(text: str) -> str:
    return html.unescape(_NO_CHARACTER.sub("\ufffd", text))


def raw_text(body: bytes) -> str:
    """The readable part of an answer that does not parse."""
    return plain(body[:TEXT_LIMIT].decode("utf-8", errors="replace"))


def as_utf_8(body: bytes, content_type: str) -> bytes:
    """The answer in UTF-8. A byte order mark decides, then the header's charset, then the XML declaration, which is
    left to the parser (RFC 7303, section 3)."""
    charset = media_type(content_type)[1].get("charset", "")
    if body.startswith(BOM_UTF8):
        charset = "utf-8-sig"
    elif body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        charset = "utf-16"
    elif not _TRANSCODED.fullmatch(charset) and not _UTF_8.fullmatch(charset):
        return body
    try:
        text = body.decode(charset)
    except (UnicodeDecodeError, LookupError):
        return body
    return _DECLARATION.sub("", text, count=1).encode()


def root_of(body: bytes, *, items: int = 1) -> etree._Element:
    """The root of an answer about ``items`` things. Raises Unreadable: empty, too large, cut off, not XML, DOCTYPE,
    an encoding other than UTF-8 and its like.

    Size and number of tags are judged before a tree is built, so a hostile million-line answer costs a count.
    """
    if not body.strip():
        raise Unreadable("the answer is empty")
    room = items + _ALLOWANCE
    if len(body) > room * BYTES_PER_ITEM or body.count(b"<") > room * TAGS_PER_ITEM:
        raise Unreadable(f"the answer is too large for {items} item(s)", raw_text(body))
    declared = _ENCODING.match(body[: body.find(b"?>") + 2])
    if b"\x00" in body or (declared and not _ENCODINGS.fullmatch(declared[1])):
        raise Unreadable("the answer is not in UTF-8", raw_text(body))
    try:
        root = etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable("the answer is not well-formed XML", raw_text(body)) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("the answer has a DOCTYPE, which no OrderFlow answer has", raw_text(body))
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False
    )


def text_of(element: etree._Element | None) -> str:
    """All text inside an element, plain; empty for None."""
    return "" if element is None else plain(" ".join(str(piece) for piece in element.itertext()))
