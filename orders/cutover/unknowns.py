"""Unknown members and status words of a tenant's orders, sent or read through, that a cut-over would carry over."""

from __future__ import annotations

from datetime import datetime

from orders.documents.status_words import unknown_word
from orders.integrations import integrations
from orders.models import Tenant, UnknownContent


def unknown_members(tenant: Tenant, *, since: datetime) -> list[str]:
    """Pointers of members seen since then, in PUTs and in answers of the tenant's own system."""
    sent = _names(tenant, UnknownContent.Kind.MEMBER, since)
    read = (name for one in integrations() for name in one.unknown_members(tenant.pk, since))
    return sorted({*sent, *read})


def unknown_words(tenant: Tenant, *, since: datetime) -> list[str]:
    """Status words seen since then that the tenant's ``status_map`` does not name by now."""
    seen = _names(tenant, UnknownContent.Kind.STATUS, since)
    return [word for word in seen if unknown_word(word, tenant.status_map)]


def _names(tenant: Tenant, kind: str, since: datetime) -> list[str]:
    rows = UnknownContent.objects.filter(tenant=tenant, kind=kind, last_seen_at__gte=since)
    return list(rows.order_by("name").values_list("name", flat=True))
