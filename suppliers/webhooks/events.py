"""The events for suppliers as sent (docs/reference/supplier-events.md#events).

A thin event: it names the case and the supplier's part of the order, never lines or amounts. It is made once; webhook,
retry and ``receive`` all use the same bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

ORDER_CREATED = "order_created"
ORDER_UPDATED = "order_updated"
ORDER_CANCELLED = "order_cancelled"
EVENT_TYPES = (ORDER_CREATED, ORDER_UPDATED, ORDER_CANCELLED)
DEFAULT_EVENTS = (ORDER_CREATED, ORDER_CANCELLED)
"""Of a supplier that asks for nothing else, and of one that only pulls: it must hear of a cancellation."""
PAYLOAD_VERSION = "1.0.0"
TOKEN_PREFIX = "c."


@dataclass(frozen=True, slots=True)
class Case:
    """The insurance case of an order: the document's own, or one minted for an order that has none."""

    uuid: str
    number: str
    external_claim_id: str
    token: str
    case_type: str

    @property
    def correlation_id(self) -> str:
        """The GUID of the token: per case, not per event, and not the request's ``Correlation-Id``."""
        return self.token.removeprefix(TOKEN_PREFIX)

    def as_json(self) -> dict[str, str]:
        return {
            "uuid": self.uuid,
            "number": self.number,
            "externalClaimId": self.external_claim_id,
            "token": self.token,
            "caseType": self.case_type,
        }


def case_in(document: Mapping[str, Any]) -> Case | None:
    """The case that the order's document carries, letter for letter."""
    case = document.get("case")
    if case is None:
        return None
    return Case(case["uuid"], case["number"], case["externalClaimId"], case["token"], case["caseType"])


def minted_case(customer_order_id: str, *, case_uuid: uuid.UUID, token: uuid.UUID, case_type: str) -> Case:
    """The case of an order without one; ``case_uuid`` and ``token`` are kept with the order and never change."""
    return Case(str(case_uuid), customer_order_id, "", TOKEN_PREFIX + guid(token), case_type)


def guid(value: uuid.UUID) -> str:
    """A GUID as the hub writes it: upper case (only ``case.uuid`` is lower case)."""
    return str(value).upper()


def wire_time(moment: datetime) -> str:
    """Second precision, UTC, offset without a colon: ``2026-11-20T08:46:36+0000``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def render_event(event_type: str, *, case: Case, order_token: str, made_at: datetime) -> str:
    """The event's JSON text, members in the domain's order."""
    envelope = {
        "eventType": event_type,
        "payloadVersion": PAYLOAD_VERSION,
        "correlationId": case.correlation_id,
        "timestamp": wire_time(made_at),
        "case": case.as_json(),
        "orderToken": order_token,
    }
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
