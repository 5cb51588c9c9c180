"""Suppliers from the onboarding file, all in the file's one transaction (docs/reference/onboarding-file.md#suppliers).

The file's order is the order in which suppliers claim lines. Suppliers it does not name keep their places; new ones
come after them. ``webhook`` absent means pull only; ``api_client`` absent leaves the client alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Max

from orders.access.clients import ClientEntry, ClientRefused, save_client
from orders.access.sealing import MASK
from orders.integrations.onboarding_report import Report
from orders.models import ApiClient, Tenant
from orders.onboarding.fields import to_store
from orders.onboarding.rows import report_client, update_row
from suppliers.models import Supplier
from suppliers.onboarding.entries import SupplierClientEntry, SupplierEntries, SupplierEntry
from suppliers.webhooks import settings


class Suppliers:
    """See orders.integrations.onboarding_sections.Section."""

    annotation = SupplierEntries
    default: Sequence[SupplierEntry] = ()

    def apply(self, tenant: Tenant, value: Sequence[SupplierEntry], report: Report) -> None:
        places = _places(tenant, [entry.id for entry in value])
        for number, entry in enumerate(value):
            supplier = _apply_supplier(tenant, entry, place=places[entry.id], report=report)
            if entry.api_client is not None:
                _apply_client(supplier, entry.api_client, number=number, report=report)
            elif supplier.api_client is not None:
                _set_active(supplier.api_client, active=entry.active, report=report)
            settings.apply(supplier, entry.webhook, number=number, report=report)

    def export(self, tenant: Tenant) -> list[dict[str, Any]]:
        suppliers = Supplier.objects.filter(tenant=tenant).select_related("api_client", "webhook__destination")
        return [_exported(supplier) for supplier in suppliers.order_by("position", "pk")]


def _places(tenant: Tenant, ids: Sequence[str]) -> dict[str, int]:
    """The places that the file's suppliers hold, dealt out anew in the file's order; new ones add places at the end."""
    known = dict(Supplier.objects.filter(tenant=tenant, slug__in=ids).values_list("slug", "position"))
    last = Supplier.objects.filter(tenant=tenant).aggregate(last=Max("position"))["last"]
    after = 0 if last is None else last + 1
    places = sorted([*known.values(), *range(after, after + len(ids) - len(known))])
    return dict(zip(ids, places, strict=True))


def _apply_supplier(tenant: Tenant, entry: SupplierEntry, *, place: int, report: Report) -> Supplier:
    what = f"supplier {tenant.slug}/{entry.id}"
    supplier = Supplier.objects.filter(tenant=tenant, slug=entry.id).select_related("api_client").first()
    values = {
        "name": entry.name,
        "position": place,
        "item_patterns": list(entry.item_patterns),
        "active": entry.active,
    }
    supplier = supplier or Supplier(tenant=tenant, slug=entry.id)
    before = None if supplier._state.adding else (supplier.item_patterns, supplier.position, supplier.active)
    if not update_row(supplier, what, values, report):
        report.unchanged(what)
    if before is not None:
        _tell_effects(supplier, *before, report=report)
    return supplier


def _tell_effects(supplier: Supplier, patterns: list[str], position: int, active: bool, *, report: Report) -> None:
    if (patterns, position) != (supplier.item_patterns, supplier.position):
        report.effect("Whose a line is, is decided anew with the next change of its order; until then it stays.")
    if active and not supplier.active:
        report.effect(
            f"{supplier} gets no token and no events until it is switched on again. It keeps its open lines, and "
            "lines of new orders that its items match wait for it."
        )
    elif supplier.active and not active:
        report.effect(f"{supplier} gets tokens again, and what waited for it is sent.")


def _apply_client(supplier: Supplier, entry: SupplierClientEntry, *, number: int, report: Report) -> None:
    """The supplier's API client. A stopped supplier's client is stopped with it."""
    wanted = ClientEntry(
        client_id=entry.client_id,
        scopes=entry.scopes,
        client_secret=to_store(entry.client_secret),
        public_keys=entry.public_keys,
        active=entry.active and supplier.active,
        kind=ApiClient.Kind.SUPPLIER,
    )
    place = ("suppliers", number, "api_client")
    try:
        saved = save_client(supplier.tenant, wanted)
    except ClientRefused as refused:
        report.refuse(*place, because=str(refused))
        return
    if Supplier.objects.filter(api_client=saved.client).exclude(pk=supplier.pk).exists():
        report.refuse(*place, "client_id", because=f"{entry.client_id!r} is another supplier's; choose another.")
        return
    report_client(saved, report)
    _bind(supplier, saved.client, report)


def _bind(supplier: Supplier, client: ApiClient, report: Report) -> None:
    """Make the client the supplier's; a replaced one is stopped, as it would have nobody to speak for."""
    if supplier.api_client == client:
        return
    if supplier.api_client is not None:
        _set_active(supplier.api_client, active=False, report=report)
    supplier.api_client = client
    supplier.save(update_fields=["api_client"])


def _set_active(client: ApiClient, *, active: bool, report: Report) -> None:
    update_row(client, f"API client {client}", {"active": active}, report)


def _exported(supplier: Supplier) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": supplier.slug,
        "name": supplier.name,
        "active": supplier.active,
        "item_patterns": list(supplier.item_patterns),
    }
    client = supplier.api_client
    if client is not None:
        entry["api_client"] = {
            "client_id": client.client_id,
            "client_secret": MASK,
            "public_keys": list(client.public_keys),
            "scopes": list(client.scopes),
            "active": client.active or not supplier.active,
        }
    webhook = getattr(supplier, "webhook", None)
    if webhook is not None:
        entry["webhook"] = settings.exported(webhook)
    return entry
