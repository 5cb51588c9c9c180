"""What a tenant's settings make of an order that it sends, and what is kept of its warnings."""

from __future__ import annotations

import orjson

from orders.documents import Arrived, SendingRules
from orders.models import Tenant
from orders.telemetry import unknown_content


def sending_rules(tenant: Tenant) -> SendingRules:
    return SendingRules(tenant.status_map, refuses_unknown=tenant.unknown_members == Tenant.UnknownMembers.REFUSE)


def written(arrived: Arrived) -> str:
    """``OrderEvent.warnings`` of an accepted body."""
    return orjson.dumps([one.as_json() for one in arrived.warnings]).decode() if arrived.warnings else ""


def note_unknown(tenant_id: int, arrived: Arrived) -> None:
    """Count what the hub does not know of an accepted body."""
    members = [member.pointer for member in arrived.unknown_members]
    unknown_content.note(tenant_id, members=members, word=arrived.unknown_word)
