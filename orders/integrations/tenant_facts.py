"""What apps tell of each tenant on the home page: callables named in ``settings.TENANT_FACTS``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from orders.models import Tenant


@dataclass(frozen=True, slots=True)
class Fact:
    """``breaker`` · ``closed``. ``meaning`` is a colour of orders.values.labels.MARKS; plain where nothing is meant."""

    name: str
    value: str
    meaning: str = "plain"
    url: str = ""


def facts_of(tenants: Sequence[Tenant]) -> dict[int, list[Fact]]:
    """By tenant, in the order in which the apps are named."""
    found: dict[int, list[Fact]] = defaultdict(list)
    for path in settings.TENANT_FACTS:
        for tenant_id, facts in import_string(path)(tenants).items():
            found[tenant_id] += facts
    return dict(found)
