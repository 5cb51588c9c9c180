"""Problems with suppliers that need a person: orders that a supplier was notified of and has not fetched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily

from orders.integrations.console import Attention, Measure, Reading
from orders.models import Tenant
from orders.values.time_text import in_words
from suppliers.models import Supplier, SupplierPart


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
