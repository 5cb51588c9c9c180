"""Storing a spreadsheet's products: all or nothing, and first as a trial that says what would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from orderflow.catalogue.products import put_products
from orderflow.catalogue.spreadsheets import Fault, Sheet, read
from orderflow.models import OrderFlowChannel, Product
from orderflow.site.import_documents import NotSendable


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file changed, or would change."""

    rows: int
    new: int
    changed: int


class Refused(Exception):
    """Nothing was stored; ``faults`` say why."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(f"{len(faults)} fault(s)")
        self.faults = faults


def take_file(data: bytes, form: str, *, channels: QuerySet[OrderFlowChannel], trial: bool) -> Stored:
    """Store the file's products in those of ``channels`` that it names. Raises Unusable, Refused.

    A column that the file lacks keeps what is stored; an empty cell unsets.
    """
    sheet = read(data, form)
    known = {
        f"{channel.destination.tenant.slug}/{channel.destination.name}": channel
        for channel in channels.select_related("destination__tenant")
    }
    strange = [name for name in sheet.products if name and name not in known]
    faults = [*sheet.faults, *(Fault(0, "channel", f"{name} is no channel that you may change.") for name in strange)]
    if faults:
        raise Refused(*faults)
    with transaction.atomic():
        stored = _stored(sheet, known)
        if trial:
            transaction.set_rollback(True)
    return stored


def _stored(sheet: Sheet, known: Mapping[str, OrderFlowChannel]) -> Stored:
    rows = new = changed = 0
    for name, products in sheet.products.items():
        kept = dict(Product.objects.filter(channel=known[name], sku__in=products).values_list("sku", "properties"))
        whole = {sku: _merged(kept.get(sku, {}), given) for sku, given in products.items()}
        try:
            changed_skus = put_products(known[name], whole)
        except NotSendable as reason:
            raise Refused(Fault(0, reason.member, reason.reason)) from None
        fresh = sum(sku not in kept for sku in changed_skus)
        rows, new, changed = rows + len(products), new + fresh, changed + len(changed_skus) - fresh
    return Stored(rows, new, changed)


def _merged(kept: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in {**kept, **given}.items() if value}
