"""What of the suppliers needs a person: orders that one was told of and has not fetched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min
from django.urls import reverse
from django.utils import timezone

from orders.attention import Attention
from orders.durations import in_words
from orders.models import Tenant
from suppliers.models import Supplier, SupplierPart


def needing_a_person(tenant_id: int | None) -> Iterator[Attention]:
    """Named in ``settings.ATTENTION``. The limit is each tenant's ``not_fetched_after_minutes``."""
    now = timezone.now()
    tenants = Tenant.objects.all() if tenant_id is None else Tenant.objects.filter(pk=tenant_id)
    for tenant in tenants:
        limit = now - timedelta(minutes=tenant.not_fetched_after_minutes)
        late = SupplierPart.objects.filter(tenant=tenant, unfetched_since__lte=limit).order_by()
        rows = list(late.values_list("supplier").annotate(Count("pk"), Min("unfetched_since")))
        names = dict(Supplier.objects.filter(pk__in=[row[0] for row in rows]).values_list("pk", "name"))
        for supplier_id, count, since in rows:
            yield Attention(
                f"{names.get(supplier_id, 'A supplier')} of {tenant.name}: {count} order{'' if count == 1 else 's'} "
                f"delivered but not fetched for {in_words(now - since)}. Ask the supplier whether its system runs.",
                f"{reverse('admin:suppliers_supplierpart_changelist')}?fetch=waiting&of={tenant.pk}",
                harm=count * (now - since).total_seconds() / 3600,
                open_words="Open these orders",
            )
