"""What is personal in an order, who may read it, and how it is taken out of what others read.

    sees_personal_data(who)      the permission ``orders.view_personal_data``: operator, tenant-admin, superuser
    masked_document(document)    an order's members, wherever they stand in a JSON value
    masked_json(text)            the same for stored JSON text; digits are kept
    masked_text(text, values)    free text (a partner's answer, an error): by value, see ``orders.masking.free_text``

``customerId``, ``case`` and all other ids stay: people search by them, and they say nothing without the tenant's own
register. Members of lines (itemName, discountText) are goods, not people. Imports no models: anything may use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from orders.documents import deeper_than, load, render
from orders.documents.schema import AdditionalInformation, Customer, DeliveryAddress
from orders.masking.free_text import Traces, without_addresses, without_members

PERSONAL: Mapping[str, tuple[str, ...] | None] = {
    "customer": None,
    "deliveryAddress": None,
    "invoicePaymentInstructions": ("customerAccountId", "additionalInformation"),
}
"""The personal members of a customer order; None: all that is inside. The one place where they are named."""

LEAVES = frozenset(
    name
    for shape in (Customer, DeliveryAddress, AdditionalInformation)
    for name in (*shape.__annotations__, "customerAccountId")
    if name != "id"
)
"""Names of the members inside, for pieces of JSON; ``id`` may be anything's."""
PERMISSION = "orders.view_personal_data"
DEEPEST = 100
"""Levels of nesting in a text that is masked by its members: five times what the hub accepts (strict_json.MAX_DEPTH),
a fifth of what the walks here bear. A partner may answer any depth, and its answer is kept."""
MASK = "(masked)"
ERASED = "erased"
ERASED_COUNTRY = "XX"
"""For ``countryCode``, which must be two capitals: ISO 3166 leaves XX to its users, and no country has it."""


class PersonalValue(NamedTuple):
    """One value with the name of its member (``phone``)."""

    member: str
    value: str


def sees_personal_data(who: Any) -> bool:
    """``who`` is a request or a user. Nobody sees them who was not given the permission."""
    return bool(getattr(who, "user", who).has_perm(PERMISSION))


def masked_document(document: Any) -> Any:
    """A copy with the mask in the place of every personal value. Any JSON value is taken, at any depth."""
    return _covered(document, {})


def erased_document(document: Any) -> Any:
    """A copy that is still valid (docs/reference/customer-order.md#values), with nothing personal in it. Idempotent."""
    return _covered(document, {"countryCode": ERASED_COUNTRY}, word=ERASED)


def masked_json(text: str) -> str:
    """Stored JSON text with its digits kept; anything else comes back as it is."""
    return _rewritten(text, masked_document)


def erased_json(text: str) -> str:
    return _rewritten(text, erased_document)


def values_in(document: Any) -> set[PersonalValue]:
    """Every personal value of a document, wherever the members stand; what was erased before is none."""
    found = {PersonalValue(member, str(value)) for member, value in _leaves(document)}
    return {one for one in found if one.value.strip() and one.value not in (ERASED, ERASED_COUNTRY, MASK)}


def values_in_json(text: str) -> set[PersonalValue]:
    try:
        return values_in(_read(text))
    except ValueError:
        return set()


def masked_text(text: str, values: Iterable[PersonalValue]) -> str:
    return Masker(values).text(text)


class Masker:
    """Takes what is personal out of texts about one order, or about several. Made once, used for many texts."""

    def __init__(self, values: Iterable[PersonalValue] = (), *, word: str = MASK) -> None:
        self._word = word
        self._traces = Traces(values)

    def text(self, text: str) -> str:
        """Free text: the known values; and, whosever they are, members of orders, mail addresses, phone numbers."""
        if not text:
            return text
        return without_addresses(without_members(self.known(text), LEAVES, self._word), self._word)

    def known(self, text: str) -> str:
        """The known values only: for erasing, which must leave alone what belongs to others."""
        return self._traces.sub(text, self._word) if text else text

    def document(self, text: str) -> str:
        """A document of ours (JSON) by its members; any other text by value."""
        return masked_json(text) if is_json(text) else self.text(text)

    def foreign(self, text: str) -> str:
        """A partner's body: by its members where it has some of ours, and by value everywhere."""
        return self.text(masked_json(text))


class NoMasker(Masker):
    """For a login that may read everything."""

    def known(self, text: str) -> str:
        return text

    text = document = foreign = known


PLAIN = NoMasker()


def is_json(text: str) -> bool:
    try:
        return isinstance(_read(text), dict | list)
    except ValueError:
        return False


def _read(text: str) -> Any:
    """Raises ValueError for what is no JSON, or nested deeper than DEEPEST: both are masked as free text."""
    try:
        value = load(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if deeper_than(DEEPEST, value):
        raise ValueError("nested too deeply")
    return value


def _rewritten(text: str, change: Any) -> str:
    try:
        before = _read(text)
    except ValueError:
        return text
    after = change(before)
    return text if after == before else render(after).decode()


def _covered(value: Any, forms: Mapping[str, str], *, word: str = MASK) -> Any:
    if isinstance(value, list):
        return [_covered(one, forms, word=word) for one in value]
    if not isinstance(value, dict):
        return value
    covered = {}
    for name, member in value.items():
        if name not in PERSONAL:
            covered[name] = _covered(member, forms, word=word)
            continue
        inside = PERSONAL[name]
        part = isinstance(member, dict) and inside is not None
        covered[name] = (
            {own: _hidden(one, own, forms, word) if own in (inside or ()) else one for own, one in member.items()}
            if part
            else _hidden(member, name, forms, word)
        )
    return covered


def _hidden(value: Any, name: str, forms: Mapping[str, str], word: str) -> Any:
    """Every value inside replaced; the shape stays."""
    if isinstance(value, dict):
        return {own: _hidden(one, own, forms, word) for own, one in value.items()}
    if isinstance(value, list):
        return [_hidden(one, name, forms, word) for one in value]
    return value if value is None else forms.get(name, word)


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """(member, value) of all that ``_covered`` would hide."""
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    if not isinstance(value, dict):
        return
    for name, member in value.items():
        if name not in PERSONAL:
            yield from _leaves(member)
            continue
        inside = PERSONAL[name]
        part = isinstance(member, dict) and inside is not None
        chosen = {own: one for own, one in member.items() if own in (inside or ())} if part else member
        yield from _all_values(chosen, name)


def _all_values(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for own, one in value.items():
            yield from _all_values(one, own)
    elif isinstance(value, list):
        for one in value:
            yield from _all_values(one, name)
    elif value is not None:
        yield name, value
