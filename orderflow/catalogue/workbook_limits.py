"""What a spreadsheet file may hold, counted before anything builds objects of it.

An XLSX is a zip of XML, and 40 KB of it can ask for gigabytes: by what it unpacks to, and by empty elements, each of
which costs some hundred bytes once read. So the parts are unpacked within a limit, and their tags and rows are counted.

    Unusable    the file cannot be read at all; its text says what to change
"""

from __future__ import annotations

import io
import re
import zipfile
from itertools import islice, pairwise

UNPACKED_BYTES = 50 * 1024 * 1024
"""Ten times the largest file: a spreadsheet of plain text packs no better."""
PARTS = 1_000
"""A workbook of one sheet has a dozen."""
ROWS = 20_000
ROW_TAGS = 2_000
"""A row's: six for a cell with a formula, of 100 columns, and as many again for styled text."""
TAGS, CELLS, STRINGS = 3_000_000, 800_000, 400_000
"""20,000 rows of 40 cells with four tags each, and half as many different texts; read in some ten seconds."""
OTHER_TAGS = 50_000
"""Of all that is no row, cell or text: styles and names, which cost more each. Usual workbooks have some hundred."""
ATTRIBUTES_EACH = 4
"""Of a tag on average: a cell has three (place, style, kind), a text none."""
FURTHER_ATTRIBUTES = 10_000
"""A part's, beyond that average: a few tags, such as fonts and page setups, have a dozen."""

_ATTRIBUTE = re.compile(rb"""=\s*["']""")
_ROW = re.compile(rb"<(?:\w+:)?row\b")
_CELL, _STRING = re.compile(rb"<(?:\w+:)?c\b(?!:)"), re.compile(rb"<(?:\w+:)?si\b(?!:)")
_TABLE = re.compile(rb"</?(?:\w+:)?(?:row|c|v|f|is|si|t|r)\b(?!:)")
_DTD = re.compile(rb"<!DOCTYPE|<!ENTITY", re.IGNORECASE)
_ENCODING = re.compile(rb"""[\xef\xbb\xbf\xfe\xff]{0,3}\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
_ENCODINGS = {b"utf-8", b"utf8", b"utf-16", b"us-ascii", b"ascii"}


TOO_MUCH = "The file has more cells, styles or names than are read; copy the plain rows to a new one."


class Unusable(Exception):
    pass


def check_package(data: bytes) -> None:
    """Raises Unusable for what is no workbook, or one that would cost more to read than any catalogue."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            if len(package.infolist()) > PARTS:
                raise Unusable(f"The file has more than {PARTS:,} parts, which no spreadsheet has.")
            _check_parts(package)
    # NotImplementedError is zipfile's word for a kind of compression that it does not know.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as fault:
        raise Unusable(f"The file is no XLSX workbook: {fault}.") from None


def _check_parts(package: zipfile.ZipFile) -> None:
    left, tags, others = UNPACKED_BYTES, TAGS, OTHER_TAGS
    for part in package.infolist():
        with package.open(part) as opened:
            content = opened.read(left + 1)
        left -= len(content)
        if left < 0:
            raise Unusable(f"The file unpacks to more than {UNPACKED_BYTES:,} bytes; split it.")
        text = content.replace(b"\x00", b"")  # as in UTF-16
        _check_text(text)
        found = text.count(b"<")
        tags -= found
        others -= found - sum(1 for _ in _TABLE.finditer(text)) if tags >= 0 else 0
        if tags < 0 or others < 0 or _more(_ATTRIBUTE, text, ATTRIBUTES_EACH * found + FURTHER_ATTRIBUTES):
            raise Unusable(TOO_MUCH)


def _check_text(text: bytes) -> None:
    if _DTD.search(text):
        raise Unusable("The file holds a DTD, which no spreadsheet needs.")
    declared = _ENCODING.match(text[: text.find(b"?>") + 2])
    if declared and declared[1].lower() not in _ENCODINGS:
        raise Unusable("The file is written in an encoding that no spreadsheet program uses; save it anew.")
    if _more(_CELL, text, CELLS) or _more(_STRING, text, STRINGS):
        raise Unusable(TOO_MUCH)
    starts = [found.start() for found in islice(_ROW.finditer(text), ROWS + 2)]
    if len(starts) > ROWS + 1:
        raise Unusable(f"The file has more than {ROWS:,} rows; split it.")
    if any(text.count(b"<", start, end) > ROW_TAGS for start, end in pairwise([*starts, len(text)])):
        raise Unusable("The file has a row of more cells than are read; leave out what is no property.")


def _more(pattern: re.Pattern[bytes], text: bytes, most: int) -> bool:
    return next(islice(pattern.finditer(text), most, None), None) is not None
