"""A channel that OrderFlow refuses stops, burns nothing, tells a person, and goes on in order once it is mended."""

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.urls import reverse

from orderflow.catalogue.products import put_products
from orderflow.models import OrderFlowChannel
from orders.models import Delivery, DeliveryAttempt, Destination
from orders.monitoring.attention import problems
from orders.onboarding.files import apply_file
from tests.admin_fixtures import agreed
from tests.orderflow.conftest import an_order, deliver, deliver_once, fates, held, posts
from tests.orderflow.test_admin import form

pytestmark = pytest.mark.both

FILE = """tenants:
  - id: acme
    name: Acme
    mode: events
    orderflow_channels:
      - id: main
        base_url: "{url}"
        channel: {channel}
        auth: {{type: headers, username: philz, password: {secret}}}
"""


@pytest.fixture
def stopped(site, warehouse, book):
    """Imported order 1001; then the site's password changed, and three orders and a change of 1001 wait."""
    put_products(warehouse, {sku: {"description": sku} for sku in "AB"})
    book.apply(an_order())
    deliver()
    site.forget()
    site.users["philz"] = "changed at the site"
    book.apply(an_order(("A", 5)))
    for order_id in ("1", "2", "3"):
        book.apply(an_order(order_id=order_id))
    put_products(warehouse, {"B": {"description": "blue"}})
    deliver()
    return warehouse


def by_resume(site, channel, client):
    site.users["philz"] = "pässword"
    call_command("destinations", "resume", "acme", "main")


def by_file(site, channel, client):
    text = FILE.format(url=site.base_url, channel="MYCHANNEL", secret='"changed at the site"')
    apply_file(text.encode(), file="acme.yaml", who="test", dry_run=False)


def by_admin(site, channel, client):
    client.force_login(get_user_model().objects.create_superuser("ops", password="x"))
    changed = form(channel, password="changed at the site")
    path = reverse("admin:orderflow_orderflowchannel_change", args=[channel.pk])
    assert agreed(client, path, changed).status_code == 302


def test_a_stopped_channel_burns_nothing_and_is_reported(site, stopped):
    destination = Destination.objects.get()
    assert destination.state == "stopped"
    assert "No user for supplied user name and password combination" in destination.state_reason
    pending = Delivery.objects.filter(status="pending")
    assert pending.count() == 5
    assert set(pending.values_list("attempts", flat=True)) == {0}
    assert not Delivery.objects.filter(status="dead").exists()
    assert len(site.calls) <= 4
    (line,) = problems(None)
    assert "No user for supplied user name" in line.sentence
    asked = len(site.calls)
    assert deliver_once() == 0
    assert len(site.calls) == asked


@pytest.mark.parametrize("mend", [by_resume, by_file, by_admin])
def test_a_mended_channel_goes_on_with_its_lanes_in_order(site, stopped, client, mend):
    mend(site, stopped, client)
    assert Destination.objects.get().state == "running"
    deliver()
    assert held(site) == {"1001": {"A": 5}, "1": {"A": 2}, "2": {"A": 2}, "3": {"A": 2}}
    assert fates() == [("import", "delivered"), ("import", "delivered")]
    assert not Delivery.objects.exclude(status="delivered").exists()
    assert not DeliveryAttempt.objects.filter(verdict="unavailable").exists()
    assert list(problems(None)) == []


def test_a_corrected_channel_name_resumes_too(site, add_channel, book):
    channel = add_channel(base_url=site.base_url, channel="WRONG")
    put_products(channel, {"A": {"description": "A"}})
    book.apply(an_order())
    deliver()
    assert "Cannot authenticate" in Destination.objects.get().state_reason
    text = FILE.format(url=site.base_url, channel="MYCHANNEL", secret="pässword")
    apply_file(text.encode(), file="acme.yaml", who="test", dry_run=False)
    assert OrderFlowChannel.objects.get().channel == "MYCHANNEL"
    deliver()
    assert held(site) == {"1001": {"A": 2}}
    assert b"channel=MYCHANNEL" in posts(site)[-2].body + posts(site)[-1].body


def test_an_unmended_channel_resumed_stops_again_and_burns_nothing(site, stopped):
    call_command("destinations", "resume", "acme", "main")
    deliver()
    assert Destination.objects.get().state == "stopped"
    assert Delivery.objects.filter(status="pending", attempts=0).count() == 5
