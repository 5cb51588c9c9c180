"""Lists of orders as CSV files: the orders that a tenant uploads, and its missing orders.

businessUnitId,customerOrderId
store-1,1001

ListRefused   the file is not valid; ``faults`` name the lines, nothing was added
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from orders.cutover import ledger
from orders.cutover.ledger import Place
from orders.cutover.progress import all_missing
from orders.documents import check_id
from orders.models import KnownOrder
from orders.values.spreadsheet_cells import bare, guarded

HEADER = ["businessUnitId", "customerOrderId"]
FILE_BYTES = 32 * 1024 * 1024
"""Some 1,000,000 orders; a longer list comes in several files."""
FAULTS_MOST = 50
"""Listed at once: enough to see what is wrong with a file."""
ORDERS_MOST = 1_000_000
"""Of one list: what FILE_BYTES has room for."""
LINE_CHARACTERS = 2_000
"""Two ids of at most 128 characters, each of which may be doubled or quoted."""


class ListRefused(Exception):
    """The list is not valid; nothing was added."""

    def __init__(self, *faults: str) -> None:
        super().__init__(faults[0])
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Listed:
    orders: int
    """Different orders in the file."""
    added: int
    """Those that were not in the ledger before."""


def add_file(tenant_id: int, file: BinaryIO) -> Listed:
    """Add the orders of a CSV file to the ledger: all of them, or none and ListRefused."""
    places = list(dict.fromkeys(read_places(file)))
    return Listed(len(places), ledger.add(tenant_id, places, how=KnownOrder.How.FILE))


def read_places(file: BinaryIO) -> list[Place]:
    """(business unit, order) of every line; commas or semicolons, with the header. Raises ListRefused."""
    rows = _rows(_text(file))
    _, head = next(rows, (1, []))
    if [name.strip() for name in head] != HEADER:
        raise ListRefused(f"Line 1 must be the header {','.join(HEADER)}.")
    places: list[Place] = []
    faults: list[str] = []
    more = 0
    for number, row in rows:
        if fault := _fault(number, row):
            more += len(faults) >= FAULTS_MOST
            faults += [fault] if len(faults) < FAULTS_MOST else []
        elif len(places) >= ORDERS_MOST:
            raise ListRefused(f"The file has more than {ORDERS_MOST:,} orders; send it in several parts.")
        else:
            places.append((bare(row[0]), bare(row[1])))
    if faults:
        raise ListRefused(*faults, *([f"{more:,} more lines are wrong."] if more else []))
    return places


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
    first = text[:LINE_CHARACTERS].partition("\n")[0]
    reader = csv.reader(_short_lines(text), delimiter=";" if ";" in first else ",", strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise ListRefused(f"Line {reader.line_num}: {error}.") from None


def _short_lines(text: str) -> Iterator[str]:
    """The lines, of bounded length: a line of commas alone would become millions of cells."""
    for number, line in enumerate(io.StringIO(text, newline=""), start=1):
        if len(line) > LINE_CHARACTERS:
            raise ListRefused(f"Line {number} is longer than {LINE_CHARACTERS:,} characters; two ids are not.")
        yield line


def _fault(number: int, row: list[str]) -> str:
    if len(row) != len(HEADER):
        return f"Line {number}: {len(row)} cells instead of {len(HEADER)}."
    for name, cell in zip(HEADER, row, strict=True):
        reason = check_id(bare(cell))
        if reason:
            return f"Line {number}, {name}: {reason}."
    return ""


def missing_as_csv(tenant_id: int) -> Iterator[str]:
    """The missing orders as a file that ``add_file`` reads, line by line for a streaming response."""
    return _lines(known.key[1:] for known in all_missing(tenant_id))


def _lines(places: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _line(tuple(HEADER))
    for place in places:
        yield _line(tuple(map(guarded, place)))


def _line(cells: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
