"""Credentials of one tenant that two set at once: the later one waits, and neither goes by what the other replaced."""

from __future__ import annotations

import time

import pytest
from django.db import connection, transaction
from pydantic import TypeAdapter

from orders.integrations.onboarding_report import Report
from proxy.credentials import store, stored_secret
from proxy.models import ProxyConfig
from proxy.onboarding import section
from tests.threads import in_thread

pytestmark = [pytest.mark.needs_postgres, pytest.mark.django_db(transaction=True)]

JOIN_SECONDS = 10
"""More than one short transaction takes."""
WAITING = """
SELECT count(*) FROM pg_locks waiting WHERE NOT granted AND EXISTS (
    SELECT 1 FROM pg_locks held JOIN pg_database ON pg_database.oid = held.database
    WHERE held.pid = waiting.pid AND datname = current_database())
"""  # other workers' databases are on the same server
URL = "https://login.example.com/token"


def config(tenant, set_by, name):
    return ProxyConfig(tenant=tenant, type="oauth2", public={"clientId": name, "authUrl": URL}, set_by=set_by)


def begun_elsewhere(work):
    """Does it in another connection, until it is done or waits for a lock."""
    thread = in_thread(work)
    until = time.monotonic() + JOIN_SECONDS
    with connection.cursor() as cursor:
        while thread.is_alive() and not cursor.execute(WAITING).fetchone()[0]:
            assert time.monotonic() < until
    return thread


def test_two_first_configurations_at_once_are_stored_one_after_the_other(tenant):
    with transaction.atomic():
        store(config(tenant, "ops", "first"), "secret of the first")
        other = begun_elsewhere(lambda: store(config(tenant, "tenant", "second"), "secret of the second"))
    other.join(JOIN_SECONDS)
    stored = ProxyConfig.objects.get()
    assert (stored.public["clientId"], stored.set_by) == ("second", "tenant")
    assert stored_secret(stored) == "secret of the second"


def test_a_file_does_not_go_by_a_configuration_that_the_tenant_replaced_meanwhile(tenant, monkeypatch):
    store(config(tenant, "ops", "hub"), "secret")
    changes, begun = section._changes, []

    def after_reading(*arguments):
        begun.append(begun_elsewhere(lambda: store(config(tenant, "tenant", "of-the-tenant"), "new secret")))
        return changes(*arguments)

    monkeypatch.setattr(section, "_changes", after_reading)
    given = {"type": "oauth2", "config": {"clientId": "of-ops", "authUrl": URL}}
    body = TypeAdapter(section.ProxyAuth.annotation).validate_python(given)
    with transaction.atomic():
        section.ProxyAuth().apply(tenant, body, Report())
    begun[0].join(JOIN_SECONDS)
    stored = ProxyConfig.objects.get()
    assert (stored.public["clientId"], stored.set_by) == ("of-the-tenant", "tenant")
