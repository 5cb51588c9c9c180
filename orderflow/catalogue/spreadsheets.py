"""A catalogue as a spreadsheet: CSV and XLSX, out and in (orderflow.admin). Rows are whole products of named channels.

Cells that a spreadsheet would read as a formula go out behind an apostrophe and come in without it. What comes in is
bounded before it is read: bytes of the file, columns, and what ``orderflow.catalogue.workbook_limits`` counts.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import openpyxl
import tablib
from import_export.formats.base_formats import CSV, XLSX, TablibFormat

from orderflow.catalogue.product_documents import NUMBERS, PRODUCT_PROPERTIES, product_faults
from orderflow.catalogue.workbook_limits import ROWS, Unusable, check_package
from orderflow.models import Product
from orders.values.spreadsheet_cells import bare, guarded

FILE_BYTES = 5 * 1024 * 1024
"""Some 50,000 products of a few properties."""
COLUMNS = 100
"""Three times the properties there are."""
CELL_CHARACTERS = 32_767
"""The most of a cell that spreadsheet programs keep."""
FAULTS = 100
"""Told of one file; a person needs the first ones."""

OWN = tuple(name for name in PRODUCT_PROPERTIES if name not in ("externalReference", "channel", "organisation"))
HEAD = ("channel", "sku", *OWN, "status", "failure")
READ_ONLY = frozenset({"status", "failure"})
"""Columns of an exported file that are ignored when it is read."""


SEPARATORS = ",;\t"
"""Between the cells: the comma, and what spreadsheet programs write where the comma stands in numbers."""
_SEPARATOR_LINE = re.compile(r"sep=[,;\t]\r?\n", re.IGNORECASE)
"""Excel's own first line."""
_DECIMAL_COMMA = re.compile(r"(-?[0-9]+),([0-9]+)")


class BoundedCsv(CSV):  # type: ignore[misc]  # the library has no types
    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> tablib.Dataset:
        try:
            text = _SEPARATOR_LINE.sub("", in_stream.decode("utf-8-sig"), count=1)
            separator = _separator(text)
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
            return _dataset(rows if separator == "," else _with_points(rows))
        except (UnicodeDecodeError, csv.Error) as fault:
            raise Unusable(f"The file is no CSV in UTF-8: {fault}.") from None


class BoundedXlsx(XLSX):  # type: ignore[misc]  # the library has no types
    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> tablib.Dataset:
        check_package(in_stream)
        try:
            book = openpyxl.load_workbook(io.BytesIO(in_stream), read_only=True, data_only=True, keep_links=False)
            sheet = book.worksheets[0]
            rows = sheet.iter_rows(max_row=ROWS + 2, max_col=COLUMNS + 1, values_only=True)
            return _dataset([_text(cell) for cell in row] for row in rows)
        except Unusable:
            raise
        except Exception as fault:  # noqa: BLE001  # the library's refusals have nothing in common
            raise Unusable(f"The file is no XLSX workbook that can be read ({type(fault).__name__}).") from None


FORMATS: dict[str, type[TablibFormat]] = {"csv": BoundedCsv, "xlsx": BoundedXlsx}


@dataclass(frozen=True, slots=True)
class Fault:
    """``row`` counts as the spreadsheet does: the head is row 1."""

    row: int
    column: str
    reason: str


@dataclass(slots=True)
class Sheet:
    """A file's products by channel (``tenant/channel``) and SKU, or what is wrong with it."""

    products: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def written(products: Iterable[Product], form: str) -> bytes:
    """The products as a file; their channels' destinations and tenants are loaded."""
    dataset = tablib.Dataset(headers=HEAD)
    for product in products:
        values = [product.properties.get(name, "") for name in OWN]
        cells = (place(product), product.sku, *values, product.status, product.failure)
        dataset.append([guarded(cell) for cell in cells])
    data: bytes | str = FORMATS[form]().export_data(dataset)
    return data if isinstance(data, bytes) else data.encode("utf-8-sig")


def place(product: Product) -> str:
    destination = product.channel.destination
    return f"{destination.tenant.slug}/{destination.name}"


def read(data: bytes, form: str) -> Sheet:
    """The rows. Raises Unusable with the faults of all rows, up to FAULTS."""
    if len(data) > FILE_BYTES:
        raise Unusable(f"The file is larger than {FILE_BYTES:,} bytes; split it.")
    dataset = FORMATS[form]().create_dataset(data)
    head = [str(name or "").strip() for name in dataset.headers or ()]
    _check_head(head)
    sheet = Sheet()
    for number, row in enumerate(dataset, start=2):
        if any(row) and len(sheet.faults) < FAULTS:
            _read_row(sheet, number, dict(zip(head, map(_bare, row), strict=True)))
    return sheet


def _read_row(sheet: Sheet, number: int, cells: dict[str, str]) -> None:
    channel, sku = cells.pop("channel"), cells.pop("sku")
    given = {name: value for name, value in cells.items() if name and name not in READ_ONLY}
    faults = [] if channel else [("channel", "is empty; name it as tenant/channel.")]
    faults += [] if sku else [("sku", "is empty.")]
    faults += product_faults(sku, {name: value for name, value in given.items() if value})
    of_channel = sheet.products.setdefault(channel, {})
    if sku in of_channel:
        faults.append(("sku", f"{sku} stands in the file twice."))
    sheet.faults += [Fault(number, name, reason) for name, reason in faults]
    of_channel[sku] = given


def _check_head(head: Sequence[str]) -> None:
    unknown = sorted({name for name in head if name and name not in HEAD})
    missing = [name for name in ("channel", "sku", "description") if name not in head]
    if unknown:
        raise Unusable(
            f"The first row names {', '.join(unknown[:10])}, which no product has. Export a file to see all."
        )
    if missing or len({*filter(None, head)}) < len([*filter(None, head)]):
        raise Unusable(f"The first row must name each column once, with {', '.join(missing) or 'none twice'}.")


def _dataset(rows: Iterable[Sequence[str]]) -> tablib.Dataset:
    """The first row heads the others; each is made as long as it."""
    found: Iterator[Sequence[str]] = iter(rows)
    head = list(next(found, ()))
    if len(head) > COLUMNS:
        while head and not head[-1]:
            head.pop()
    if not head or len(head) > COLUMNS:
        raise Unusable(f"The file has {len(head)} columns in its first row; 1 to {COLUMNS} are read.")
    dataset = tablib.Dataset(headers=head)
    for number, row in enumerate(found, start=1):
        if number > ROWS:
            raise Unusable(f"The file has more than {ROWS:,} rows; split it.")
        if any(row[len(head) :]):
            raise Unusable(
                f"Row {number + 1} is longer than the first row; a comma or semicolon in a text needs quotes around it."
            )
        dataset.append([*row[: len(head)], *[""] * (len(head) - len(row))])
    return dataset


def _separator(text: str) -> str:
    """The one that the first row has most of; no column's name holds any."""
    head = text[: text.find("\n")] if "\n" in text else text
    return max(SEPARATORS, key=head.count)


def _with_points(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    """In a file with semicolons or tabs a number may have a decimal comma."""
    found = iter(rows)
    head = next(found, [])
    numbers = [place for place, name in enumerate(head) if name.strip() in NUMBERS]
    yield head
    for row in found:
        for place in numbers:
            if place < len(row) and (number := _DECIMAL_COMMA.fullmatch(row[place].strip())):
                row[place] = f"{number[1]}.{number[2]}"
        yield row


def _text(cell: Any) -> str:
    """A workbook's cell as a person reads it; a number that is no whole one has the digits it is printed with."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return format(Decimal(repr(cell)), "f").removesuffix(".0")
    if len(text := str(cell)) > CELL_CHARACTERS:
        raise Unusable(f"A cell has more than {CELL_CHARACTERS:,} characters, which no spreadsheet program writes.")
    return text


def _bare(cell: str) -> str:
    return bare(cell).strip(" \u00a0")
