"""Trying a webhook by hand: in the admin and by command; rotation of its signing secret; what is late."""

import ipaddress
import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from orders.models import Delivery, OperatorAction
from orders.outgoing import signing
from suppliers.models import SupplierPart, Webhook
from suppliers.simulator.server import MockSupplier
from suppliers.webhooks import test_events, webhook_secrets
from tests.suppliers.conftest import order

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True


@pytest.fixture
def mock():
    with MockSupplier() as supplier:
        yield supplier


@pytest.fixture
def webhook(mock, add_supplier):
    add_supplier("beans", ["BEAN-*"], url=mock.hook_url)
    found = Webhook.objects.select_related("supplier__tenant", "destination").get()
    mock.signing_secrets = webhook_secrets.signing_secrets(found, now=timezone.now())
    return found


def run(*words):
    said = StringIO()
    call_command("suppliers", *words, stdout=said)
    return said.getvalue()


def test_a_test_event_is_a_signed_order_created_of_no_order(webhook, mock):
    [step] = test_events.send_test_event(webhook, who="ada")
    assert (step.ok, step.detail) == (True, "Accepted with 202.")
    [event] = mock.events
    assert (event["eventType"], event["verified"], event["status"]) == ("order_created", True, 202)
    assert not SupplierPart.objects.exists()
    assert not Delivery.objects.exists()
    assert OperatorAction.objects.values_list("who", "action", "outcome").get() == ("ada", "test event", "ok")


def test_verifying_sees_that_a_forged_event_is_refused(webhook, mock):
    assert [(step.step, step.ok) for step in test_events.verify(webhook, who="ada")] == [
        (test_events.ACCEPTED, True),
        (test_events.FORGED, True),
    ]
    assert test_events.verify(webhook, who="ada")[1].detail == "The receiver refused it with 401, as it should."
    mock.signing_secrets = []
    accepted, forged = test_events.verify(webhook, who="ada")
    assert (accepted.ok, forged.ok) == (True, False)
    assert "does not verify signatures" in forged.detail
    assert OperatorAction.objects.order_by("pk").last().outcome == "failed"


def test_the_command_says_each_step_and_fails_where_the_receiver_does(webhook, mock):
    assert run("test", "acme", "beans").startswith("ok      a signed test event is accepted")
    assert [json.loads(line)["ok"] for line in run("verify", "acme", "beans", "--json").splitlines()] == [True, True]
    mock.fail(status=500)
    with pytest.raises(CommandError, match="did not do as it should"):
        run("test", "acme", "beans")
    with pytest.raises(CommandError, match="has no supplier peas"):
        run("test", "acme", "peas")
    webhook.destination.refresh_from_db()
    assert (webhook.destination.failures, webhook.destination.state) == (0, "running")


def test_a_rotated_secret_signs_beside_the_old_one(webhook, mock):
    old = mock.signing_secrets
    made = run("rotate", "acme", "beans").strip()
    signing.parse_secret(made)
    assert made not in old
    for known in (old, [made]):
        mock.signing_secrets = known
        webhook.refresh_from_db()
        assert test_events.send_test_event(webhook, who="ada")[0].ok


@pytest.mark.parametrize(("verb", "says"), [("test", "passed"), ("verify", "wrong signature")])
def test_the_admin_asks_first_and_then_shows_what_came_back(webhook, mock, admin_client, verb, says):
    page = f"/admin/suppliers/webhook/{webhook.pk}/{verb}/"
    assert admin_client.get(page).status_code == 200
    assert mock.events == []
    response = admin_client.post(page)
    assert response.status_code == 200
    assert says in response.content.decode()
    assert mock.events != []


def test_the_admin_shows_a_rotated_secret_once(webhook, admin_client):
    page = f"/admin/suppliers/webhook/{webhook.pk}/rotate/"
    before = webhook_secrets.signing_secrets(webhook, now=timezone.now())
    assert "24 hours" in admin_client.get(page).content.decode()
    assert webhook_secrets.signing_secrets(webhook, now=timezone.now()) == before
    response = admin_client.post(page)
    webhook.refresh_from_db()
    new, old = webhook_secrets.signing_secrets(webhook, now=timezone.now())
    assert old == before[0]
    assert "no-store" in response["Cache-Control"]
    assert new in response.content.decode()
    assert new not in admin_client.get(page).content.decode()


def test_what_was_delivered_and_not_fetched_in_time_is_counted_and_listed(
    tenant, add_supplier, book, client, admin_client
):
    add_supplier("beans", ["BEAN-*"])
    book.apply(order("BEAN-1"))
    book.apply(order("BEAN-1", order_id="1002"))
    early, late = SupplierPart.objects.order_by("pk")
    ago = timezone.now() - timedelta(minutes=tenant.not_fetched_after_minutes)
    SupplierPart.objects.filter(pk=early.pk).update(unfetched_since=ago + timedelta(minutes=1))
    SupplierPart.objects.filter(pk=late.pk).update(unfetched_since=ago - timedelta(minutes=1))
    figures = client.get("/metrics", REMOTE_ADDR="127.0.0.1").content.decode()
    assert 'orderhub_delivered_not_fetched{supplier="beans",tenant="acme"} 1.0' in figures
    shown = admin_client.get("/admin/suppliers/supplierpart/?fetch=late").content.decode()
    assert late.token in shown
    assert early.token not in shown


@pytest.mark.parametrize(
    ("fault", "detail"),
    [({"status": 500}, "500"), ({"status": 410}, "410 Gone"), ({"drop": True}, "closed the connection"),
     ({"lost": True}, "closed the connection")],
    ids=str,
)  # fmt: skip
def test_each_fault_of_the_mock_supplier_is_seen(webhook, mock, fault, detail):
    mock.fail(**fault)
    [step] = test_events.send_test_event(webhook, who="ada")
    assert not step.ok
    assert detail in step.detail


def test_a_late_reply_of_the_mock_supplier_is_waited_for(webhook, mock):
    mock.fail(delay=0.5)
    [step] = test_events.send_test_event(webhook, who="ada")
    assert (step.ok, step.ms >= 500) == (True, True)


def test_a_receiver_whose_certificate_nobody_vouches_for_gets_nothing(add_supplier):
    with MockSupplier(tls=True) as mock:
        add_supplier("beans", ["*"], url=mock.hook_url)
        [step] = test_events.send_test_event(Webhook.objects.get(), who="ada")
        assert (step.ok, mock.received) == (False, [])
        assert "TLS" in step.detail
