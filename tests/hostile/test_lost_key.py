"""A key that is gone for good: what stands still says what to enter, and goes on once that is entered."""

from __future__ import annotations

import contextlib
import ipaddress

import pytest
from django.core.management import call_command
from django.urls import reverse

from orders.models import Delivery, Destination
from suppliers.models import Webhook
from suppliers.webhooks import webhook_secrets
from tests.orders.wire_server import answer, wire_server
from tests.suppliers.conftest import add_supplier, order, tenant  # noqa: F401
from tests.suppliers.test_end_to_end import put, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both]
GONE, LEFT = ("gone", b"g" * 32), ("left", b"l" * 32)


@pytest.fixture
def hook(add_supplier, settings):
    """A webhook whose secrets, one of them just replaced, were sealed with a key that is gone."""
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    settings.HUB_ENCRYPTION_KEYS = (GONE,)
    with wire_server(lambda connection, _: connection.sendall(answer(status="202 Accepted"))) as server:
        add_supplier("beans", ["*"], url=f"{server.url}/hook", auth_type="basic", auth_config={"username": "hub"})
        hook = Webhook.objects.get()
        webhook_secrets.set_auth_secret(hook, "a-password-of-ours")
        webhook_secrets.set_signing_secret(hook)
        settings.HUB_ENCRYPTION_KEYS = (LEFT,)
        yield hook


def test_a_destination_stops_and_its_page_says_what_to_enter(hook, tenant, root):
    put(tenant, order("BEAN-1"))
    work()
    destination = Destination.objects.get()
    assert destination.state == "stopped"
    page = root.get(reverse("admin:orders_destination_change", args=(destination.pk,))).content.decode()
    said = f"The webhook password of webhook {hook.url} (Acme) cannot be opened: its key "
    assert said in page
    assert "is no longer in HUB_ENCRYPTION_KEYS. Enter it again." in page


def test_it_goes_on_once_everything_named_is_entered_again(hook, tenant, capsys):
    put(tenant, order("BEAN-1"))
    work()
    assert _named(capsys) == ["webhook password", "webhook previous signing secret", "webhook signing secret"]
    webhook_secrets.set_signing_secret(hook)
    assert _named(capsys) == ["webhook password"]
    webhook_secrets.set_auth_secret(hook, "a-password-of-ours")
    assert _named(capsys) == []
    call_command("destinations", "resume", "acme", "beans")
    work()
    assert Delivery.objects.values_list("status", flat=True).get() == "delivered"


def test_a_replaced_secret_that_does_not_open_stops_nothing(hook, settings):
    settings.HUB_ENCRYPTION_KEYS = (LEFT, GONE)
    present = webhook_secrets.set_signing_secret(hook)
    settings.HUB_ENCRYPTION_KEYS = (LEFT,)
    webhook_secrets._store(hook, webhook_secrets.SIGNING, present)
    hook.refresh_from_db()
    before = webhook_secrets.sealing.Secret.objects.get(kind=webhook_secrets.PREVIOUS_SIGNING)
    before.key_id = "gone"
    before.save()
    assert webhook_secrets.signing_secrets(hook, now=hook.previous_secret_until - webhook_secrets.OVERLAP) == [present]


def _named(capsys):
    """The kinds that the command calls lost."""
    capsys.readouterr()
    with contextlib.suppress(SystemExit):
        call_command("secrets", "list")
    return sorted(line.split("  ")[2] for line in capsys.readouterr().out.splitlines() if "LOST" in line)
