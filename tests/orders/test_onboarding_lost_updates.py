"""What others write while an onboarding file is applied stays."""

from __future__ import annotations

import pytest

from orders.database.clock import DatabaseClock
from orders.integrations.onboarding_faults import FileRefused
from orders.models import Destination, Tenant
from orders.onboarding import rows
from orders.onboarding.files import apply_file
from orders.onboarding.mode_change import set_notify_from, switch_mode
from orders.outbox import destination_health
from tests.threads import elsewhere

pytestmark = [pytest.mark.needs_postgres, pytest.mark.django_db(transaction=True)]

FILE = """
tenants:
- id: acme
  name: {name}
  mode: {mode}
  external_url: https://oms.example.com/api/v1
  suppliers:
  - id: beans
    name: Beans
    item_patterns: ["*"]
    webhook: {{url: "https://beans.example.com/hook", concurrency: {concurrency}}}
"""


def apply(*, name="Acme", mode="migrating", concurrency=4):
    text = FILE.format(name=name, mode=mode, concurrency=concurrency)
    return apply_file(text.encode(), file="f.yaml", who="olga")


@pytest.fixture
def meanwhile(monkeypatch):
    """Does something once, elsewhere, after the file's rows of a model were read and before they are written."""

    def arrange(model, work):
        differences, done = rows._differences, []

        def after_reading(row, values):
            found = differences(row, values)
            if isinstance(row, model) and not done:
                done.append(row)
                elsewhere(work)
            return found

        monkeypatch.setattr(rows, "_differences", after_reading)

    return arrange


def test_a_pause_made_meanwhile_stays(meanwhile):
    apply(mode="events")
    meanwhile(Destination, lambda: destination_health.pause(Destination.objects.get(), who="ann", reason="they asked"))
    apply(mode="events", concurrency=8)
    destination = Destination.objects.get()
    assert (destination.state, destination.state_reason, destination.concurrency) == ("paused", "they asked", 8)


def test_a_moment_to_notify_from_that_was_set_meanwhile_stays(meanwhile):
    apply()
    moment = DatabaseClock().now()
    meanwhile(Tenant, lambda: set_notify_from(Tenant.objects.get(), moment, who="ann"))
    apply(name="Acme Retail")
    tenant = Tenant.objects.get()
    assert (tenant.name, tenant.tells_from) == ("Acme Retail", moment)


def test_a_switch_of_mode_made_meanwhile_refuses_the_file(meanwhile):
    apply()
    meanwhile(Tenant, lambda: switch_mode(Tenant.objects.get(), "events", who="ann"))
    with pytest.raises(FileRefused, match="was switched to events meanwhile"):
        apply(name="Acme Retail")
    tenant = Tenant.objects.get()
    assert (tenant.name, tenant.mode) == ("Acme", "events")
