"""Two onboardings at once are applied one by one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from orders.models import ApiClient, Tenant
from orders.onboarding.files import apply_file

FILE = b"""
tenants:
- id: acme
  name: Acme
  mode: events
  api_clients: [{client_id: acme-pos, scopes: [customer-orders:read]}]
"""


@pytest.mark.needs_postgres
@pytest.mark.django_db(transaction=True)
def test_files_at_once_make_each_object_once_and_one_secret():
    barrier = Barrier(4)

    def apply(_):
        try:
            barrier.wait(10)
            return apply_file(FILE, file="f.yaml", who="test")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        reports = list(threads.map(apply, range(4)))
    assert (Tenant.objects.count(), ApiClient.objects.count()) == (1, 1)
    assert sum(len(report.secrets) for report in reports) == 1
