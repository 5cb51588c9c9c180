"""Checking an external service's answer (docs/reference/customer-order.md#reading-through) before a till sees it.

The documents' one model does the checking; here are the frame (status 200, JSON in UTF-8), the id that must be the
one asked for, the tenant's status words and the cut of a search. Everything wrong is ExternalContract, with pointers.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from orders.documents import Checked, Mismatch, check_answer, check_search_answer, render, translate_status
from orders.documents.status_words import WORDS, nearly, ours, unknown_word
from orders.integrations.sources import FoundOrder, FoundPage
from orders.models import Tenant
from orders.outgoing import Answer
from orders.telemetry import unknown_content
from orders.values.media_types import media_type
from orders.values.problems import ExternalContract, Fault
from proxy import drift
from proxy.searching import Asked, split_hits

_JSON = re.compile(r"application/(?:[\w.!#$&^+-]+\+)?json")
_UTF_8 = ("utf-8", "utf8")

ORDER_ID = "/customerOrder/customerOrderId"


def order_of(tenant: Tenant, answer: Answer, *, customer_order_id: str) -> FoundOrder:
    """The order of a 200 answer, as the hub's API answers it."""
    document = _checked(tenant, answer, check_answer).document
    if document["customerOrderId"] != customer_order_id:
        raise not_the_order_asked_for(ORDER_ID)
    _note_words(tenant, "/customerOrder/status", [document["status"]])
    body = render({"customerOrder": translate_status(document, tenant.status_map)})
    return FoundOrder(body=body)


def page_of(tenant: Tenant, answer: Answer, wanted: Asked, *, skip: int, take: int) -> FoundPage:
    """The hub's cut of a 200 answer to a search."""
    return cut_of(tenant, found_in(tenant, answer, wanted), skip=skip, take=take)


def found_in(tenant: Tenant, answer: Answer, wanted: Asked) -> list[dict[str, Any]]:
    """The hits of a 200 answer to a search that are what was asked for; others are dropped, and contract drift.

    One bad order fails the whole: a till must not miss one silently.
    """
    found: list[dict[str, Any]] = _checked(tenant, answer, check_search_answer).document["customerOrders"]
    kept, unlike = split_hits(found, wanted)
    others = [Mismatch(f"/customerOrders/*/{name}", f"the {name} asked for", "another") for name in unlike]
    drift.note(tenant.pk, others)
    _note_words(tenant, "/customerOrders/*/status", {hit["status"] for hit in kept})
    return kept


def _note_words(tenant: Tenant, place: str, statuses: Iterable[str]) -> None:
    """A word that is nearly one of the hub's is contract drift; any other that it does not know is counted."""
    for status in statuses:
        if status in WORDS:
            continue
        word = nearly(ours(status, tenant.status_map))
        if word is not None:
            drift.note(tenant.pk, [Mismatch(place, f"the status word {word}", "a word that is nearly it")])
        else:
            unknown_content.note(tenant.pk, word=unknown_word(status, tenant.status_map))


def cut_of(tenant: Tenant, found: list[dict[str, Any]], *, skip: int, take: int) -> FoundPage:
    """The page asked for, its statuses in the hub's words."""
    cut = [translate_status(order, tenant.status_map) for order in found[skip : skip + take]]
    return FoundPage(orders=cut, has_more=len(found) > skip + take)


def _checked(tenant: Tenant, answer: Answer, check: Callable[[bytes], Checked]) -> Checked:
    checked = framed(answer, check)
    drift.note(tenant.pk, checked.mismatches + checked.dropped)
    if checked.mismatches:
        raise broken(checked)
    return checked


def framed(answer: Answer, check: Callable[[bytes], Checked]) -> Checked:
    """What the check finds in the answer; raises ExternalContract for what is no JSON in UTF-8."""
    kind, parameters = media_type(answer.headers.get("Content-Type", ""))
    if not _JSON.fullmatch(kind) or parameters.get("charset", "utf-8").lower() not in _UTF_8:
        raise ExternalContract("The external service's answer is not application/json in UTF-8.")
    checked = check(answer.body.removeprefix(BOM_UTF8))
    mismatches, dropped = _told(answer, checked.mismatches), _told(answer, checked.dropped)
    return replace(checked, mismatches=mismatches, dropped=dropped)


def _told(answer: Answer, mismatches: Sequence[Mismatch]) -> tuple[Mismatch, ...]:
    """A member may be named with anything, even with what the hub logged in with."""
    return tuple(replace(one, pointer=answer.masked(one.pointer)) for one in mismatches)


def broken(checked: Checked) -> ExternalContract:
    first = checked.mismatches[0]
    detail = f"The external service's answer breaks the contract at {first.pointer or 'the top'}: {first.detail}"
    return ExternalContract(detail, errors=checked.faults)


def not_the_order_asked_for(pointer: str) -> ExternalContract:
    fault = Fault(pointer, "Expected the id that was asked for, found another.")
    return ExternalContract("The external service answered another order than the one asked for.", errors=[fault])
