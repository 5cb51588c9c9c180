"""The page of a destination: its state in words, what can be done with which effect, its last tries and its figures."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from orders.access.staff import SUPPORT, give_role
from orders.models import Destination, Figure
from tests.admin_fixtures import EVIL

pytestmark = pytest.mark.django_db


def page_of(destination):
    return reverse("admin:orders_destination_change", args=(destination.pk,))


def test_the_state_is_said_in_words_with_what_waits(root, furnished):
    furnished.beans.state, furnished.beans.state_reason = "stopped", "the receiver answered 401"
    furnished.beans.state_since = timezone.now() - timezone.timedelta(minutes=12)
    furnished.beans.probe_at = timezone.now() + timezone.timedelta(minutes=8)
    furnished.beans.save()
    html = root.get(page_of(furnished.beans)).content.decode()
    assert "Stopped for 12 min, because the receiver answered 401; next probe in" in html
    assert "1 order waits." in html


def test_every_button_has_its_effect_beside_it_and_support_has_none(root, client, furnished):
    html = root.get(page_of(furnished.beans)).content.decode()
    for words, effect in (
        ("Pause it", "Nothing more is sent there"),
        ("Resume it", "All pending deliveries are sent"),
        ("Probe it now", "One pending delivery is sent there now"),
    ):
        assert words in html
        assert effect in html
    client.force_login(give_role("sue", role=SUPPORT, password="pass-of-sue").user)
    html = client.get(page_of(furnished.beans)).content.decode()
    assert "Pause it" not in html
    assert "Last tries" in html


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["pause", "resume", "probe"])
def test_every_button_works_where_no_test_holds_a_transaction_open_around_it(root, furnished, verb):
    url = reverse(f"admin:orders_destination_{verb}", args=(furnished.beans.pk,))
    assert root.post(url, {"reason": "stocktaking"}).status_code == 302


def test_a_suppliers_destination_leads_to_its_test_and_to_rotating_its_secret(root, furnished):
    from suppliers.models import Supplier, Webhook

    supplier = Supplier.objects.create(tenant=furnished.tenant, slug="beans", name="Beans", item_patterns=["*"])
    webhook = Webhook.objects.create(
        supplier=supplier, destination=furnished.beans, url="https://beans.test/h", events=["order_created"]
    )
    html = root.get(page_of(furnished.beans)).content.decode()
    for name in ("send_test_event", "verify_endpoint", "rotate_secret"):
        assert reverse(f"admin:suppliers_webhook_{name}", args=(webhook.pk,)) in html
    assert "The present one signs beside it for" in html


def test_a_warehouses_destination_leads_to_its_credentials_and_to_its_test(root, furnished):
    from orderflow.models import OrderFlowChannel

    main = Destination.objects.create(tenant=furnished.tenant, channel="orderflow", name="main")
    channel = OrderFlowChannel.objects.create(destination=main, base_url="https://site.test", channel="C", username="u")
    html = root.get(page_of(main)).content.decode()
    assert reverse("admin:orderflow_orderflowchannel_change", args=(channel.pk,)) in html
    assert reverse("admin:orders_tenant_onboard", args=(furnished.tenant.pk,)) + "#warehouses" in html
    assert "A new password lets a stopped channel go on." in html


def test_the_last_tries_lead_to_their_deliveries_and_come_out_escaped(root, furnished):
    html = root.get(page_of(furnished.beans)).content.decode()
    assert "unavailable, answered 503" in html
    assert reverse("admin:orders_delivery_change", args=(furnished.deliveries[0].pk,)) in html
    assert EVIL not in html


def test_the_charts_are_drawn_from_the_figures_of_this_destination_alone(root, furnished):
    other = Destination.objects.create(tenant=furnished.tenant, channel="supplier", name="cups")
    html = root.get(page_of(furnished.beans)).content.decode()
    assert "Nothing was sent there in the last hour." in html
    minute = timezone.now().replace(second=0, microsecond=0)
    for destination, count in ((furnished.beans, 1234), (other, 99)):
        Figure.objects.create(
            step=60, starts_at=minute, tenant=furnished.tenant, destination=destination.pk, name="delivered",
            count=count,
        )  # fmt: skip
    html = root.get(page_of(furnished.beans)).content.decode()
    assert "1,234 accepted, 0 tries failed, 0 failed for good." in html
    assert "99 accepted" not in html


def test_the_list_asks_no_more_for_many_destinations_than_for_one(root, engine, monkeypatch, django_assert_num_queries):
    """Session, login and its tenant, tenants and kinds to filter by, rows; the database's clock is known by then."""
    monkeypatch.setattr("orders.database.clock.RECENT_SECONDS", 3600)
    page = reverse("admin:orders_destination_changelist")
    Destination.objects.create(tenant=engine.tenant, channel="supplier", name="d0")
    root.get(page)
    with django_assert_num_queries(6):
        root.get(page)
    for number in range(1, 9):
        Destination.objects.create(tenant=engine.tenant, channel="supplier", name=f"d{number}")
    with django_assert_num_queries(6):
        root.get(page)
