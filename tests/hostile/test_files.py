"""Spreadsheets out and in: no cell that is reckoned with goes out, nothing that comes in costs much."""

from __future__ import annotations

import csv
import io
import time
import zipfile

import openpyxl
import pytest
from django.core.handlers.wsgi import WSGIRequest

from orderflow.catalogue.spreadsheets import read
from orderflow.catalogue.workbook_limits import Unusable
from orders.cutover import listing
from orders.cutover.listing import ListRefused, read_places
from orders.http.lengths import BAD_LENGTH
from orders.values.spreadsheet_cells import FORMULA, bare, guarded
from tests.hostile.test_bombs import highest_kib
from tests.hostile.tree import imports_of_modules

NS = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET, STRINGS, STYLES = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"
HEAD = b"<worksheet " + NS + b"><sheetData>" + b"<row>%s</row>" % b"".join(
    b'<c t="inlineStr"><is><t>%s</t></is></c>' % name for name in (b"channel", b"sku", b"description")
)  # fmt: skip
TAIL = b"</sheetData></worksheet>"
MORE_STYLES = b"<styleSheet " + NS + b"><cellXfs>" + b"<xf/>" * 500_000 + b"</cellXfs></styleSheet>"
SSTRINGS = b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'  # noqa: E501

BOMBS = {
    "a part of 300 MB": {"xl/media/x.bin": b"0" * 300_000_000},
    "rows without end": {SHEET: HEAD + b"<row/>" * 3_000_000 + TAIL},
    "rows with a prefix": {SHEET: HEAD + b"<x:row/>" * 3_000_000 + TAIL},
    "a row of empty cells": {SHEET: HEAD + b"<row>" + b"<c/>" * 3_000_000 + b"</row>" + TAIL},
    "rows of empty cells": {SHEET: HEAD + (b"<row>" + b"<c/>" * 140 + b"</row>") * 19_000 + TAIL},
    "empty texts": {STRINGS: b"<sst " + NS + b">" + b"<si/>" * 2_000_000 + b"</sst>"},
    "attributes of one tag": {
        STYLES: b"<styleSheet " + NS + b"".join(b' a%d="1"' % one for one in range(500_000)) + b"/>"
    },
    "attributes of one cell": {
        SHEET: HEAD + b"<row><c" + b"".join(b' a%d="1"' % one for one in range(500_000)) + b"/></row>" + TAIL
    },
    "styles": {STYLES: MORE_STYLES},
    "styles in UTF-16": {STYLES: MORE_STYLES.decode().encode("utf-16")},
    "styles in UTF-7": {STYLES: b'<?xml version="1.0" encoding="UTF-7"?>' + MORE_STYLES.replace(b"<", b"+ADw-")},
    "many beginnings of a declaration": {STYLES: b"<?xml encoding" * 100_000 + b"?>"},
    "nested": {SHEET: HEAD + b"<a>" * 500_000},
    "billion laughs": {STRINGS: b'<!DOCTYPE a [<!ENTITY a "aaa">]><sst ' + NS + b"><si><t>&a;</t></si></sst>"},
    "a thousand parts": {f"x{number}": b"" for number in range(1_001)},
    "one text of 30 MB": {
        STRINGS: b"<sst " + NS + b"><si><t>" + b"x" * 30_000_000 + b"</t></si></sst>",
        SHEET: HEAD + b'<row><c t="s"><v>0</v></c></row>' * 5_000 + TAIL,
    },
    "a row number beyond counting": {SHEET: HEAD + b'<row r="1000000000"><c r="A1000000000"><v>1</v></c></row>' + TAIL},
}
HARMLESS = {SHEET: HEAD.replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>') + TAIL}


@pytest.fixture(scope="module")
def plain():
    """The parts of a workbook."""
    book, data = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["channel", "sku", "description"])
    book.save(data)
    with zipfile.ZipFile(data) as package:
        parts = {part.filename: package.read(part) for part in package.infolist()}
    types = "[Content_Types].xml"
    parts[types] = parts[types] if b"sharedStrings" in parts[types] else parts[types].replace(b"</Types>", SSTRINGS)
    return {STRINGS: b"<sst " + NS + b"/>", **parts}


def packed(parts):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return data.getvalue()


def bounded(act, *, seconds=4.0, kib=150_000):
    before, began = highest_kib(anew=True), time.process_time()
    try:
        return act()
    finally:
        assert time.process_time() - began < seconds
        assert highest_kib() - before < kib


@pytest.mark.parametrize("name", BOMBS)
def test_a_workbook_that_would_cost_much_is_refused_for_little(plain, name):
    """Without the counts forty kilobytes took 47 s and 2 GB."""
    data = packed({**plain, **BOMBS[name]})
    assert len(data) < 5_000_000
    with pytest.raises(Unusable) as refused:
        bounded(lambda: read(data, "xlsx"))
    assert str(refused.value).startswith(("The file", "A cell"))


def test_a_dimension_of_a_billion_cells_costs_what_the_sheet_holds(plain):
    assert bounded(lambda: read(packed({**plain, **HARMLESS}), "xlsx")).products == {}


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + b"\x00" * 100, b"\xd0\xcf\x11\xe0" * 10, b"<html>"])
def test_what_is_no_workbook_is_said_to_be_none(data):
    with pytest.raises(Unusable, match="no XLSX workbook"):
        read(data, "xlsx")


@pytest.mark.parametrize(
    "text",
    [b"," * 5_000_000, b"a,b,c\n" + b'"' + b"x" * 4_000_000, b"\x00" * 100, b"\xff\xfe", b"channel,sku\n" * 400_000],
    ids=["commas", "a quote without end", "NUL", "no UTF-8", "rows"],
)
def test_a_csv_that_would_cost_much_is_refused_for_little(text):
    with pytest.raises(Unusable):
        bounded(lambda: read(text, "csv"))


LISTS = {
    "commas": b"businessUnitId,customerOrderId\n" + b"," * 20_000_000,
    "a quote without end": b'businessUnitId,customerOrderId\n"' + b"x\n" * 5_000_000,
    "a line without end": b"b" * 20_000_000,
    "wrong lines": b"businessUnitId,customerOrderId\n" + b"a\n" * 1_000_000,
    "NUL": b"businessUnitId,customerOrderId\na,\x00\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_orders_that_would_cost_much_is_refused_for_little(name):
    with pytest.raises(ListRefused) as refused:
        bounded(lambda: read_places(io.BytesIO(LISTS[name])), seconds=8.0)
    assert len(refused.value.faults) <= listing.FAULTS_MOST + 1
    assert max(map(len, refused.value.faults)) < 300


def test_a_list_of_more_orders_than_are_taken_is_refused(monkeypatch):
    monkeypatch.setattr(listing, "ORDERS_MOST", 2)
    with pytest.raises(ListRefused, match="more than 2 orders"):
        read_places(io.BytesIO(b"businessUnitId,customerOrderId\na,1\na,2\na,3\n"))


@pytest.mark.parametrize("text", [f"{first}1+cmd|' /C calc'!A0" for first in FORMULA])
def test_a_cell_that_a_spreadsheet_would_reckon_with_goes_out_as_text_and_comes_back(text):
    assert guarded(text)[0] == "'"
    assert bare(guarded(text)) == text


def test_the_missing_orders_go_out_as_text_and_come_back():
    places = [("=1+1", "@x"), ("+a", "-b"), ("'=quoted", "plain"), ('a"b', "c,d;e")]
    text = "".join(listing._lines(places))
    assert not [cell for row in csv.reader(io.StringIO(text)) for cell in row if cell.startswith(FORMULA)]
    assert read_places(io.BytesIO(text.encode())) == places


@pytest.mark.parametrize("length", [str(33 * 1024**2 + 1), str(34 * 1024**2), "9" * 18])
def test_an_upload_larger_than_any_file_is_not_even_read(client, length, monkeypatch):
    """Nor by who looks for the form's token, before anybody has signed in."""
    monkeypatch.setattr(WSGIRequest, "_load_post_and_files", lambda request: pytest.fail("read"))
    answer = client.generic("POST", "/admin/login/", b"x", content_type="multipart/form-data", CONTENT_LENGTH=length)
    assert (answer.status_code, b"larger than 33 MiB" in answer.content) == (413, True)


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/nowhere"])
@pytest.mark.parametrize(
    "length",
    ["0" * 20 + str(10**12), "00", "01", "-1", "+1", "1e9", "0x10", "1 ", "1_0", "\u0663", "\u00b2", "9" * 400],
)
def test_a_length_that_is_no_plain_number_is_refused_unread(client, length, path, monkeypatch):
    monkeypatch.setattr(WSGIRequest, "read", lambda request, *size: pytest.fail("read"))
    answer = client.generic("POST", path, b"x", content_type="multipart/form-data", CONTENT_LENGTH=length)
    assert (answer.status_code, answer.content.decode()) == (400, BAD_LENGTH)


WRITERS = {"orders/cutover/listing.py", "orderflow/catalogue/spreadsheets.py"}
LIBRARIES = {"csv", "openpyxl", "tablib", "xlsxwriter", "pandas", "import_export"}


def test_no_other_place_writes_or_reads_spreadsheets():
    found = {path for path, (modules, _) in imports_of_modules().items() if modules & LIBRARIES}
    assert found == WRITERS
