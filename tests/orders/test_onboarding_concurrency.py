"""Two onboardings at once are applied one by one."""

from __future__ import annotations

import threading

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


@pytest.mark.both
@pytest.mark.django_db(transaction=True)
def test_two_files_at_once_make_each_object_once_and_one_secret():
    barrier, reports, failures = threading.Barrier(4), [], []

    def apply():
        try:
            barrier.wait(10)
            reports.append(apply_file(FILE, file="f.yaml", who="test"))
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=apply) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert (Tenant.objects.count(), ApiClient.objects.count()) == (1, 1)
    assert sum(len(report.secrets) for report in reports) == 1
