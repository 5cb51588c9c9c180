"""Checking an external service's answer (customer-order.md sections 2 and 3) before a till sees it.

The documents' one model does the checking; here are the frame (status 200, JSON in UTF-8), the id that must be the
one asked for, the tenant's status words and the cut of a search. Everything wrong is ExternalContract, with pointers.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from orders.documents import Checked, check_answer, check_search_answer, render, translate_status
from orders.models import Tenant
from orders.outgoing import Answer
from orders.problems import ExternalContract, Fault
from orders.sources import FoundOrder, FoundPage
from proxy import drift

_JSON = re.compile(r"application/(?:[\w.!#$&^+-]+\+)?json(?:\s*;\s*charset\s*=\s*\"?utf-?8\"?)?\s*;?", re.IGNORECASE)

ORDER_ID = "/customerOrder/customerOrderId"


def order_of(tenant: Tenant, answer: Answer, *, customer_order_id: str) -> FoundOrder:
    """The order of a 200 answer, as the hub's API answers it."""
    document = _checked(tenant, answer, check_answer).document
    if document["customerOrderId"] != customer_order_id:
        fault = Fault(ORDER_ID, "Expected the id that was asked for, found another.")
        raise ExternalContract("The external service answered another order than the one asked for.", errors=[fault])
    body = render({"customerOrder": translate_status(document, tenant.status_map)})
    return FoundOrder(body=body)


def page_of(tenant: Tenant, answer: Answer, *, skip: int, take: int) -> FoundPage:
    """The hub's cut of a 200 answer to a search. One bad order fails the whole: a till must not miss one silently."""
    found = _checked(tenant, answer, check_search_answer).document["customerOrders"]
    cut = [translate_status(order, tenant.status_map) for order in found[skip : skip + take]]
    return FoundPage(orders=cut, has_more=len(found) > skip + take)


def _checked(tenant: Tenant, answer: Answer, check: Callable[[bytes], Checked]) -> Checked:
    if not _JSON.fullmatch(answer.headers.get("Content-Type", "").strip()):
        raise ExternalContract("The external service's answer is not application/json in UTF-8.")
    checked = check(answer.body)
    drift.note(tenant.pk, checked.mismatches + checked.dropped)
    if checked.mismatches:
        first = checked.mismatches[0]
        detail = f"The external service's answer breaks the contract at {first.pointer or 'the top'}: {first.detail}"
        raise ExternalContract(detail, errors=checked.faults)
    return checked
