"""Problems with suppliers that need a person: orders that a supplier was notified of and has not fetched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, F, Min, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily

from orders.integrations.console import Attention, Measure, Reading
from orders.models import Tenant
from orders.values.time_text import in_words
from suppliers.models import Supplier, SupplierPart

REJECTIONS_SHOWN = timedelta(days=7)
"""After a week the tenant has sold or cancelled; the order's page and its fulfilment still say it."""


def problems(tenant_id: int | None) -> Iterator[Attention]:
    """The limit is each tenant's ``not_fetched_after_minutes``."""
    now = timezone.now()
    late = late_parts() if tenant_id is None else late_parts().filter(tenant=tenant_id)
    rows = list(late.order_by().values_list("tenant", "supplier").annotate(Count("pk"), Min("unfetched_since")))
    tenants = Tenant.objects.in_bulk({row[0] for row in rows})
    names = dict(Supplier.objects.filter(pk__in=[row[1] for row in rows]).values_list("pk", "name"))
    for tenant_pk, supplier_id, count, since in rows:
        yield Attention(
            f"{names.get(supplier_id, 'A supplier')} of {tenants[tenant_pk].name}: {count} "
            f"order{'' if count == 1 else 's'} delivered but not fetched for {in_words(now - since)}. Ask the supplier "
            "whether its system runs.",
            f"{reverse('admin:suppliers_supplierpart_changelist')}?fetch=late&of={tenant_pk}",
            harm=count * (now - since).total_seconds() / 3600,
            open_words="Open these orders",
        )
    yield from _rejections(tenant_id)


def _rejections(tenant_id: int | None) -> Iterator[Attention]:
    rows = rejecting_parts() if tenant_id is None else rejecting_parts().filter(tenant=tenant_id)
    found = rows.order_by().values_list("tenant", "tenant__name", "supplier__name")
    for tenant_pk, tenant, supplier, count in found.annotate(Count("pk")):
        yield Attention(
            f"{supplier} of {tenant} rejected lines of {count} order{'' if count == 1 else 's'}. Tell the tenant: the "
            "order's fulfilment names the lines and the reasons.",
            f"{reverse('admin:suppliers_supplierpart_changelist')}?fetch=rejected&of={tenant_pk}",
            harm=count,
            open_words="Open these orders",
        )


def rejecting_parts() -> QuerySet[SupplierPart]:
    """With a line that the supplier rejected last, of orders that did not change for it since and are not cancelled."""
    recent = timezone.now() - REJECTIONS_SHOWN
    parts = SupplierPart.objects.filter(rejected_at__isnull=False, rejected_at__gte=recent, owed_cancelled=False)
    return parts.filter(rejected_sequence=F("owed_sequence"))


def late_parts() -> QuerySet[SupplierPart]:
    """Delivered but not fetched for longer than the tenant's ``not_fetched_after_minutes``, of every tenant."""
    now, late = timezone.now(), Q(pk__in=[])
    for pk, minutes in Tenant.objects.values_list("pk", "not_fetched_after_minutes"):
        late |= Q(tenant=pk, unfetched_since__lte=now - timedelta(minutes=minutes))
    return SupplierPart.objects.filter(late)


def gauges() -> Iterator[GaugeMetricFamily]:
    """For /metrics."""
    said = "Orders that a supplier was notified of and has not fetched for longer than its tenant allows."
    gauge = GaugeMetricFamily("orderhub_delivered_not_fetched", said, labels=["tenant", "supplier"])
    counted = late_parts().order_by().values_list("tenant__slug", "supplier__slug").annotate(Count("pk"))
    for tenant, supplier, count in counted:
        gauge.add_metric([tenant, supplier], count)
    yield gauge


def _not_fetched(tenant_id: int | None) -> Iterator[Reading]:
    rows = late_parts() if tenant_id is None else late_parts().filter(tenant=tenant_id)
    counts = rows.order_by().values_list("supplier", "supplier__name", "tenant", "tenant__name").annotate(Count("pk"))
    for supplier, name, tenant, of, count in counts:
        said = (
            f"{name} of {of} was notified of {count} order{'' if count == 1 else 's'} and has not fetched "
            f"{'it' if count == 1 else 'them'}. Ask the supplier whether its system runs."
        )
        page = f"{reverse('admin:suppliers_supplierpart_changelist')}?fetch=late&of={tenant}"
        yield Reading(f"supplier:{supplier}", count, said, page)


NOT_FETCHED = Measure("orders delivered to a supplier but not fetched in the tenant's time", "orders", 1, _not_fetched)
