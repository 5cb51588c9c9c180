"""What OrderFlow's answers mean (docs/reference/orderflow.md#results): bytes in, dataclasses out. No Django.

An answer is either what was asked for (ImportReport, OrderDetail, CancelAnswer) or a Trouble: the whole request
failed, and ``kind`` says what that means for it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from lxml import etree

from orderflow.site.xml_answers import KEPT, TEXT_LIMIT, Unreadable, raw_text, root_of, text_of

ItemKey = tuple[str, str]
"""(type, externalReference): how an item of a result is matched with what was sent."""


class Kind(enum.Enum):
    MISCONFIGURED = "misconfigured"
    """Credentials, channel or address: the channel stops."""
    DOCUMENT = "document"
    """The document was refused as a whole: split it to find the import that is to blame."""
    UNAVAILABLE = "unavailable"
    """No verdict: send again with the same references."""


@dataclass(frozen=True, slots=True)
class Trouble:
    kind: Kind
    text: str
    """One plain sentence: what happened, in OrderFlow's words where it has any."""
    partner: bool = True
    """True where the partner's service itself failed (5xx, unreadable answer): counts for the breaker."""
    said: str = ""
    """OrderFlow's own words, where there were any."""


@dataclass(frozen=True, slots=True)
class Failure:
    message: str
    detail: str = ""

    @property
    def text(self) -> str:
        return self.message or self.detail


@dataclass(frozen=True, slots=True)
class ImportReport:
    successes: frozenset[ItemKey] = frozenset()
    failures: Mapping[ItemKey, Failure] = field(default_factory=dict)
    duplicates: Mapping[ItemKey, Failure] = field(default_factory=dict)

    def unlisted(self, sent: Iterable[ItemKey]) -> tuple[ItemKey, ...]:
        """What was sent and stands in no section, or in two that contradict each other."""
        return tuple(key for key in sent if self._sections(key) != 1)

    def _sections(self, key: ItemKey) -> int:
        return (key in self.successes) + (key in self.failures) + (key in self.duplicates)


@dataclass(frozen=True, slots=True)
class OrderDetail:
    reference: str
    state: str
    quantities: Mapping[str, Decimal]
    """Quantity per product, lines of one product added."""

    @property
    def cancelled(self) -> bool:
        return "cancel" in self.state.lower()


@dataclass(frozen=True, slots=True)
class NoSuchOrder:
    """OrderFlow answered, and holds no order under the reference."""

    text: str


@dataclass(frozen=True, slots=True)
class CancelAnswer:
    cancelled: bool
    text: str


_CONFIGURATION = (
    ("no user for supplied user name and password combination",),
    ("expecting value for", "request header or parameter"),
    ("cannot authenticate", "list of authenticated channel"),
)
"""Section 4, by fixed halves, because line breaks and names fall between them."""
_DOCUMENT = (
    ("unable to load xml document from resource",),
    ("duplicate entity in import of", "already exists"),
    ("no product found for external reference", "make sure that it has been activated"),
    ("failed to convert property value", "for property"),
    ("unable to find any entity associated with identifier",),
)
_DUPLICATE = ("duplicate entity in import of", "already exists")
_NO_ORDER = (("not found",), ("no order",), ("unable to find",), ("does not exist",), ("no entity",))
QUANTITY_DIGITS = 20
"""More than any warehouse holds; beyond it sums overflow and texts grow without end."""
_WRONG_ADDRESS = frozenset({404, 405, 406, 407, 410})
_TRY_AGAIN = frozenset({408, 423, 425, 429})
REFUSED_BY_STATUS = frozenset({401, 403, 412})
"""These refuse the channel's settings, whatever the text says."""


def _says(text: str, halves: Sequence[str]) -> bool:
    folded = text.casefold()
    return all(half in folded for half in halves)


def says_any(text: str, rows: Sequence[Sequence[str]]) -> bool:
    return any(_says(text, row) for row in rows)


def trouble(status: int, text: str) -> Trouble:
    """The table of section 4 for a request that failed as a whole: first by text, then by status."""
    found = _kind(status, text)
    words = f"HTTP {status}: {text[:KEPT]}" if text else f"HTTP {status} without a text"
    partner = found is Kind.UNAVAILABLE and (status >= 500 or status < 300)
    return Trouble(found, f"{_MEANINGS[found]} ({words}).", partner=partner, said=text[:KEPT])


_MEANINGS = {
    Kind.MISCONFIGURED: "OrderFlow refused the channel's address, credentials or scope",
    Kind.DOCUMENT: "OrderFlow refused the document",
    Kind.UNAVAILABLE: "OrderFlow gave no verdict",
}


def _kind(status: int, text: str) -> Kind:
    if says_any(text, _CONFIGURATION) or status in REFUSED_BY_STATUS:
        return Kind.MISCONFIGURED
    if says_any(text, _DOCUMENT):
        return Kind.DOCUMENT
    if status in _WRONG_ADDRESS or 300 <= status < 400:
        return Kind.MISCONFIGURED
    if 400 <= status < 500 and status not in _TRY_AGAIN:
        return Kind.DOCUMENT
    return Kind.UNAVAILABLE


def root_or_trouble(status: int, body: bytes, *, items: int) -> etree._Element | Trouble:
    """A parsed answer that is no error of any form, or what the error means."""
    try:
        root = root_of(body, items=items)
    except Unreadable as fault:
        text = f"{fault.reason}: {fault.text}" if fault.text else fault.reason
        return trouble(status, text)
    if status == 200 and root.tag not in ("error", "exception", "html"):
        return root
    return trouble(status, error_text(root))


def error_text(root: etree._Element) -> str:
    """``message``, then ``detail`` unless it only repeats it; else all text."""
    message, detail = text_of(root.find("message")), text_of(root.find("detail"))
    if detail and detail.startswith(message):
        return detail
    return " - ".join(filter(None, (message, detail))) or text_of(root)


def import_report(status: int, body: bytes, *, items: int) -> ImportReport | Trouble:
    """The result of a document of ``items`` imports."""
    root = root_or_trouble(status, body, items=items)
    if isinstance(root, Trouble):
        return root
    if root.tag != "importResult":
        return trouble(status, f"an unexpected <{root.tag}> document: {text_of(root)}")
    failures = _section(root, "importFailures", "failure")
    duplicates = _section(root, "importDuplicates", "duplicate")
    repeats = {key: failure for key, failure in failures.items() if is_duplicate(failure)}
    return ImportReport(
        successes=frozenset(_section(root, "importSuccesses", "success")),
        failures={key: failure for key, failure in failures.items() if key not in repeats},
        duplicates={**duplicates, **repeats},
    )


def is_duplicate(failure: Failure) -> bool:
    """Sites without an ``importDuplicates`` section list a duplicate among the failures."""
    return _says(f"{failure.message} {failure.detail}", _DUPLICATE)


def _section(root: etree._Element, name: str, word: str) -> dict[ItemKey, Failure]:
    found = {}
    for item in root.iterfind(f"{name}/import"):
        message, detail = text_of(item.find(f"{word}Message")), text_of(item.find(f"{word}Detail"))
        found[item.get("type", ""), item.get("externalReference", "")] = Failure(message[:KEPT], detail[:KEPT])
    return found


def order_detail(status: int, body: bytes, *, reference: str, items: int) -> OrderDetail | NoSuchOrder | Trouble:
    """What the warehouse holds under a reference; ``items`` is how many lines may be expected."""
    root = root_or_trouble(status, body, items=items)
    if isinstance(root, Trouble):
        return _absent(status, body, root)
    orders = [order for order in root.iter("order") if order.get("externalReference")]
    found = next((order for order in orders if order.get("externalReference") == reference), None)
    if found is not None:
        return OrderDetail(reference, found.get("state", ""), _quantities(found))
    if orders:
        return trouble(200, f"detail of another order than {reference}")
    return NoSuchOrder(text_of(root)[:KEPT] or f"OrderFlow holds no order {reference}")


def _absent(status: int, body: bytes, found: Trouble) -> NoSuchOrder | Trouble:
    """An error that says there is no such order is an answer; a bare 404 is a wrong address."""
    text = raw_text(body)
    about_settings = found.kind is Kind.MISCONFIGURED and status != 404
    own_words = any(tag in body[:TEXT_LIMIT] for tag in (b"<error", b"<exception", b"<message"))
    if about_settings or not own_words or not says_any(text, _NO_ORDER):
        return found
    return NoSuchOrder(text[:KEPT])


def _quantities(order: etree._Element) -> dict[str, Decimal]:
    held: dict[str, Decimal] = {}
    for line in order.iter("orderLine"):
        product = line.get("product", "")
        held[product] = held.get(product, Decimal(0)) + _quantity(line.get("quantity", ""))
    return held


def _quantity(text: str) -> Decimal:
    """NaN for what is no quantity: it equals nothing, so a person gets to see the difference."""
    try:
        quantity = Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")
    return quantity if quantity.is_finite() and abs(quantity.adjusted()) < QUANTITY_DIGITS else Decimal("NaN")


def cancel_answer(status: int, body: bytes) -> CancelAnswer | Trouble:
    """HTTP 200 with "No cancel operation performed" means that nothing was cancelled (section 5)."""
    root = root_or_trouble(status, body, items=1)
    if isinstance(root, Trouble):
        return root
    if root.tag != "message" and root.find(".//message") is None:
        return trouble(status, f"an unexpected <{root.tag}> document: {text_of(root)}")
    text = text_of(root)
    return CancelAnswer(not _says(text, ("no cancel operation performed",)), text[:KEPT])
