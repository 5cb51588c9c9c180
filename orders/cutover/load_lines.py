"""Read the body of a load line by line (docs/reference/api.md#loads)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from orders.documents import read_load_line
from orders.http.bodies import BODY_LIMIT_BYTES
from orders.inbox.bulk_reception import Received
from orders.inbox.sending import note_unknown, sending_rules, written
from orders.models import Tenant
from orders.values.problems import BusinessUnitNotAllowed, Fault, InvalidBody, Problem, TooLarge

LINES_MOST = 1_000
"""docs/reference/api.md#loads."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is not stored, and why; other lines are stored."""

    status: int
    faults: tuple[Fault, ...]


def numbered(body: bytes) -> list[tuple[int, bytes]]:
    """The lines with their numbers, from 1; empty lines count but are left out. Raises TooLarge, InvalidBody."""
    count = body.count(b"\n") + (not body.endswith(b"\n"))
    if count > LINES_MOST:
        raise TooLarge(f"The body has {count:,} lines, empty ones included; send at most {LINES_MOST:,} at once.")
    lines = [(number, line.removesuffix(b"\n")) for number, line in enumerate(BytesIO(body), 1) if line.strip()]
    if not lines:
        raise InvalidBody("The body has no line; send one JSON object per line.")
    return lines


def judged(line: bytes, tenant: Tenant, *, may_use: Callable[[str], bool]) -> Received | Refused:
    """Validate one line as a PUT is and count what is unknown in it; ``may_use``: what the token allows."""
    if len(line) > BODY_LIMIT_BYTES:
        return _refused(TooLarge(f"The line is larger than {BODY_LIMIT_BYTES:,} bytes."))
    try:
        found, payload = read_load_line(line, sending_rules(tenant))
    except InvalidBody as refused:
        return _refused(refused)
    unit = found.document["businessUnitId"]
    if not may_use(unit):
        detail = "The token's business units do not include this one."
        return _refused(BusinessUnitNotAllowed(errors=[Fault("/businessUnitId", detail)]))
    note_unknown(tenant.pk, found)
    return Received(unit, found.document["customerOrder"]["customerOrderId"], payload, written(found))


def _refused(problem: Problem) -> Refused:
    return Refused(problem.status, problem.errors or (Fault("", problem.detail),))
