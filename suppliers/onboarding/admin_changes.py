"""A change of one supplier made in a form, laid over what is stored by the onboarding service."""

from __future__ import annotations

from typing import Any

from orders.integrations.onboarding_report import Report
from orders.onboarding.files import Agree, apply_keys, exported_objects, unasked
from suppliers.models import Supplier


def change_supplier(wanted: Supplier, *, who: str, agree: Agree = unasked) -> Report:
    """Make the stored supplier what ``wanted`` (not saved) says of name, place, items and being active.

    Its client and its webhook are switched with it. Raises FileRefused.
    """
    return apply_keys(wanted.tenant, lambda: {"suppliers": _entries(wanted)}, who=who, agree=agree)


def _entries(wanted: Supplier) -> list[dict[str, Any]]:
    stored = Supplier.objects.get(pk=wanted.pk)
    entries = {entry["id"]: entry for entry in exported_objects(wanted.tenant, "suppliers")}
    entries[wanted.slug] |= {
        "name": wanted.name, "item_patterns": list(wanted.item_patterns), "active": wanted.active,
    }  # fmt: skip
    named = [wanted.slug] if wanted.position == stored.position else _order(wanted)
    return [entries[slug] for slug in named]


def _order(wanted: Supplier) -> list[str]:
    """All suppliers of the tenant, ``wanted`` before the one that holds its new place."""
    others = Supplier.objects.filter(tenant=wanted.tenant).exclude(pk=wanted.pk).values_list("position", "slug")
    places = [*((position, 1, slug) for position, slug in others), (wanted.position, 0, wanted.slug)]
    return [slug for _, _, slug in sorted(places)]
