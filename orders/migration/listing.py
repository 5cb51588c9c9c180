"""Lists of orders as files: what the tenant uploads, and what it is missing.

businessUnitId,customerOrderId
store-1,1001

ListRefused   the file cannot be taken; ``faults`` say on which lines, nothing was added
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from orders.documents import check_id
from orders.migration import ledger
from orders.migration.ledger import Place
from orders.migration.progress import all_missing
from orders.models import KnownOrder

HEADER = ["businessUnitId", "customerOrderId"]
FILE_BYTES = 32 * 1024 * 1024
"""Some 1,000,000 orders; a longer list comes in several files."""
FAULTS_MOST = 50
"""Listed at once: enough to see what is wrong with a file."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula."""


class ListRefused(Exception):
    """The list cannot be taken; nothing of it was added."""

    def __init__(self, *faults: str) -> None:
        super().__init__(faults[0])
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Listed:
    orders: int
    """Different orders in the file."""
    added: int
    """Of these not known before."""


def add_file(tenant_id: int, file: BinaryIO) -> Listed:
    """Put the orders of a CSV file into the ledger, all or, raising ListRefused, none."""
    places = list(dict.fromkeys(read_places(file)))
    return Listed(len(places), ledger.add(tenant_id, places, how=KnownOrder.How.FILE))


def read_places(file: BinaryIO) -> list[Place]:
    """(business unit, order) of every line; commas or semicolons, with the header. Raises ListRefused."""
    rows = list(_rows(_text(file)))
    if not rows or [name.strip() for name in rows[0][1]] != HEADER:
        raise ListRefused(f"Line 1 must be the header {','.join(HEADER)}.")
    faults = [fault for number, row in rows[1:] if (fault := _fault(number, row))]
    if faults:
        more = len(faults) - FAULTS_MOST
        raise ListRefused(*faults[:FAULTS_MOST], *([f"{more:,} more lines are wrong."] if more > 0 else []))
    return [(_plain(row[0]), _plain(row[1])) for _, row in rows[1:]]


def _text(file: BinaryIO) -> str:
    data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise ListRefused(f"The file is larger than {FILE_BYTES:,} bytes; send it in several parts.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ListRefused(f"Line {line}: not UTF-8; save the file as CSV in UTF-8.") from None


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first else ",", strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise ListRefused(f"Line {reader.line_num}: {error}.") from None


def _fault(number: int, row: list[str]) -> str:
    if len(row) != len(HEADER):
        return f"Line {number}: {len(row)} cells instead of {len(HEADER)}."
    for name, cell in zip(HEADER, row, strict=True):
        reason = check_id(_plain(cell))
        if reason:
            return f"Line {number}, {name}: {reason}."
    return ""


def _plain(cell: str) -> str:
    """As ``cell_of`` was given it, so that a downloaded list can be uploaded."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def cell_of(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def missing_as_csv(tenant_id: int) -> Iterator[str]:
    """The missing orders as a file that ``add_file`` takes, line by line, for a streaming answer."""
    return _lines(known.key[1:] for known in all_missing(tenant_id))


def _lines(places: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _line(tuple(HEADER))
    for place in places:
        yield _line(tuple(map(cell_of, place)))


def _line(cells: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
