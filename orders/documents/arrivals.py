"""An order as it is sent: what is stored of it, what is refused, and warnings of what the sender may not have meant.

The bodies of a PUT and the lines of a load (docs/reference/customer-order.md#values). A status that is nearly a word of
the hub is refused; an unknown member, an unknown status word and a quantity that no warehouse takes are warnings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orders.documents.checks import Checked, Mismatch, Schema, with_article
from orders.documents.status_words import WORDS, refused_because, unknown_word
from orders.values.problems import Fault, InvalidBody, listed

STATUS = "/customerOrder/status"


@dataclass(frozen=True, slots=True)
class SendingRules:
    """What of the tenant's settings decides about an order that it sends."""

    status_map: Mapping[str, str]
    refuses_unknown: bool = False
    """Whether an unknown member is a fault and not a warning."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A sent body that is accepted. ``document`` is the body without its unknown members."""

    document: dict[str, Any]
    unknown_members: tuple[Mismatch, ...]
    unknown_word: str
    """The sender's status word that the hub does not know, or empty."""
    warnings: tuple[Fault, ...]


def arrived(value: Any, schema: Schema, rules: SendingRules) -> Arrived:
    """Judge a decoded body with a member ``customerOrder``; raises InvalidBody with every fault.

    A refused body's unknown members are listed too: one may be a required member, misspelt.
    """
    checked = schema.check(value, strict=rules.refuses_unknown)
    refused = _refused_status(value, rules)
    if checked.mismatches:
        raise InvalidBody(errors=[*schema.check(value, strict=True).faults, *refused])
    if refused:
        raise InvalidBody(errors=refused)
    order = checked.document["customerOrder"]
    word = unknown_word(order["status"], rules.status_map)
    return Arrived(checked.document, checked.dropped, word, listed(tuple(_warnings(checked, order, word))))


def _refused_status(value: Any, rules: SendingRules) -> list[Fault]:
    order = value.get("customerOrder") if isinstance(value, dict) else None
    status = order.get("status") if isinstance(order, dict) else None
    because = refused_because(status, rules.status_map) if isinstance(status, str) else None
    return [Fault(STATUS, because)] if because else []


def _warnings(checked: Checked, order: Mapping[str, Any], word: str) -> Iterator[Fault]:
    if word:
        yield Fault(
            STATUS,
            f"The hub knows no status word {word!r}: the order keeps it, but it neither cancels nor ends the order. "
            f"Known are {', '.join(WORDS)}; operators can map your words to them (status_map).",
        )
    for member in checked.dropped:
        yield Fault(member.pointer, f"Unknown member, found {with_article(member.found)}: left out of the order.")
    for place, item in enumerate(order["items"]):
        quantity = item["quantityOrdered"]
        if quantity <= 0 or (type(quantity) is not int and quantity != quantity.to_integral_value()):
            yield Fault(
                f"/customerOrder/items/{place}/quantityOrdered",
                "Not a whole number above zero: the order is stored, but no warehouse takes this line.",
            )
