"""Webhooks over real sockets: what goes out, and what each answer comes to."""

import base64
import ipaddress
import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook as Judge

from orders.database.clock import DatabaseClock
from orders.integrations.channels import Channel, Outcome, Verdict
from orders.models import Delivery, Destination, Lane, Secret
from orders.outbox.destination_health import judge
from suppliers.models import SupplierPart
from suppliers.webhooks import webhook_secrets
from suppliers.webhooks.channel import SupplierWebhooks
from tests.orders.wire_server import answer, wire_server
from tests.suppliers.conftest import order

pytestmark = [pytest.mark.both, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def loopback_allowed(settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True


@pytest.fixture
def channel():
    return SupplierWebhooks()


@pytest.fixture
def deliver(book):
    """The delivery that an order owes a supplier, as the core would keep it."""

    def make(supplier):
        ((owed,),) = book.apply(order("A"))
        lane = Lane.objects.create(
            destination_id=owed.destination_id,
            key="order:1",
            tenant=book.tenant,
            last_position=1,
            due_at=timezone.now(),
        )
        delivery = Delivery.objects.create(
            lane=lane, destination_id=owed.destination_id, tenant=book.tenant, position=1, kind=owed.kind,
            payload=owed.payload, reference=owed.reference, sequence=7, correlation_id="corr-7",
        )  # fmt: skip
        return Delivery.objects.get(pk=delivery.pk)

    return make


def serving(*, status="202 Accepted", headers="", body=b"ok"):
    return wire_server(lambda connection, _: connection.sendall(answer(body, status=status, headers=headers)))


def try_once(channel, delivery):
    (request,) = channel.group(delivery.destination, [delivery])
    (outcome,) = channel.send(request)
    return outcome


def parsed(request):
    head, _, body = request.partition(b"\r\n\r\n")
    start, *lines = head.decode().split("\r\n")
    return start, {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}, body


def test_the_class_is_a_channel(channel):
    assert {name for name in vars(Channel) if not name.startswith("_")} <= set(dir(channel)) | {"lease_seconds"}
    assert channel.lease_seconds == 45.0
    assert channel.holds_lane("order_created")
    assert not channel.holds_lane("order_updated")
    assert not channel.holds_lane("order_cancelled")


def test_a_webhook_is_one_signed_post_of_the_event(channel, deliver, add_supplier):
    with serving() as server:
        supplier = add_supplier("beans", ["*"], url=server.url + "/hook?x=%2F")
        delivery = deliver(supplier)
        outcome = try_once(channel, delivery)
    assert outcome == Outcome(Verdict.DELIVERED, "Accepted with 202.", 202, "ok")
    start, headers, body = parsed(server.requests[0])
    assert start == "POST /hook?x=%2F HTTP/1.1"
    assert body == delivery.payload.encode()
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "msg_" + delivery.pk.hex
    assert (headers["orderhub-sequence"], headers["orderhub-attempt"]) == ("7", "1")
    assert headers["correlation-id"] == "corr-7"
    assert headers["user-agent"].startswith("orderhub/")
    assert "authorization" not in headers
    (secret,) = webhook_secrets.signing_secrets(supplier.webhook, now=timezone.now())
    assert Judge(secret).verify(body, headers) == json.loads(delivery.payload)


def test_id_and_body_stay_and_time_and_signature_are_of_the_try(channel, deliver, add_supplier, time_machine_shift):
    with serving(status="500 Sorry") as server:
        delivery = deliver(add_supplier("beans", ["*"], url=server.url))
        try_once(channel, delivery)
        delivery.attempts = 1
        time_machine_shift(61)
        try_once(channel, delivery)
    (_, first, body), (_, second, body_again) = map(parsed, server.requests)
    assert (first["webhook-id"], body) == (second["webhook-id"], body_again)
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) in (61, 62)
    assert first["webhook-signature"] != second["webhook-signature"]
    assert (first["orderhub-attempt"], second["orderhub-attempt"]) == ("1", "2")


@pytest.fixture
def time_machine_shift(monkeypatch):
    real = time.time

    def shift(seconds):
        monkeypatch.setattr("suppliers.webhooks.channel.time.time", lambda: real() + seconds)

    return shift


def test_while_a_secret_is_rotated_both_sign_and_afterwards_one(channel, deliver, add_supplier):
    with serving() as server:
        supplier = add_supplier("beans", ["*"], url=server.url)
        webhook = supplier.webhook
        (old,) = webhook_secrets.signing_secrets(webhook, now=timezone.now())
        new = webhook_secrets.set_signing_secret(webhook)
        delivery = deliver(supplier)
        try_once(channel, delivery)
    _, headers, body = parsed(server.requests[0])
    for secret in (new, old):
        assert Judge(secret).verify(body, headers)
    assert webhook_secrets.signing_secrets(webhook, now=timezone.now() + timedelta(hours=25)) == [new]
    assert webhook_secrets.set_signing_secret(webhook, new) is None


def test_basic_authentication(channel, deliver, add_supplier):
    with serving() as server:
        supplier = add_supplier("beans", ["*"], url=server.url, auth_type="basic", auth_config={"username": "bø"})
        webhook_secrets.set_auth_secret(supplier.webhook, "p:å")
        assert try_once(channel, deliver(supplier)).verdict is Verdict.DELIVERED
    expected = base64.b64encode("bø:p:å".encode()).decode()
    assert parsed(server.requests[0])[1]["authorization"] == f"Basic {expected}"


def oauth(add_supplier, url, token_url):
    config = {"clientId": "hub", "authUrl": token_url, "scope": "hooks", "resource": "https://beans.example.com"}
    supplier = add_supplier("beans", ["*"], url=url, auth_type="oauth2", auth_config=config)
    webhook_secrets.set_auth_secret(supplier.webhook, "hidden-" + token_url)
    return supplier


def test_oauth2_fetches_a_token_of_the_receiver_and_a_new_one_after_a_401(channel, deliver, add_supplier):
    given = iter(["one", "two"])

    def handle(connection, request):
        start, headers, _ = parsed(request)
        if start.startswith("POST /token"):
            token = json.dumps({"access_token": next(given), "token_type": "Bearer", "expires_in": 3600}).encode()
            connection.sendall(answer(token, headers="Content-Type: application/json\r\n"))
            return
        good = headers["authorization"] == "Bearer two"
        connection.sendall(answer(status="202 Accepted" if good else "401 No"))

    with wire_server(handle) as server:
        supplier = oauth(add_supplier, server.url + "/hook", server.url + "/token")
        assert try_once(channel, deliver(supplier)).verdict is Verdict.DELIVERED
    starts = [parsed(request)[0].split()[1] for request in server.requests]
    assert starts == ["/token", "/hook", "/token", "/hook"]
    form = parsed(server.requests[0])[2].decode()
    assert "grant_type=client_credentials" in form
    assert "scope=hooks" in form
    assert "resource=https" in form


@pytest.mark.parametrize(
    ("status", "verdict", "breaker"),
    [
        ("400 Bad", Verdict.MISCONFIGURED, False),
        ("401 No", Verdict.MISCONFIGURED, False),
        ("403 No", Verdict.MISCONFIGURED, False),
        ("500 Sorry", Verdict.UNAVAILABLE, True),
    ],
)
def test_a_failed_token_request_never_reaches_the_receiver(channel, deliver, add_supplier, status, verdict, breaker):
    with serving(status=status, body=b"token trouble") as endpoint, serving() as server:
        supplier = oauth(add_supplier, server.url, endpoint.url + "/token")
        outcome = try_once(channel, deliver(supplier))
    assert (outcome.verdict, outcome.counts_for_breaker) == (verdict, breaker)
    assert (outcome.response_status, outcome.response_cut) == (int(status[:3]), "token trouble")
    assert "hidden" not in outcome.detail
    assert server.requests == []


def test_a_redirect_is_not_followed(channel, deliver, add_supplier):
    with serving() as target, serving(status="307 Over there", headers=f"Location: {target.url}/\r\n") as server:
        outcome = try_once(channel, deliver(add_supplier("beans", ["*"], url=server.url)))
    assert (outcome.verdict, outcome.response_status) == (Verdict.UNAVAILABLE, 307)
    assert target.requests == []


def test_nobody_listening_is_unavailable_and_counts_for_the_breaker(channel, deliver, add_supplier):
    with serving() as server:
        url = server.url
    outcome = try_once(channel, deliver(add_supplier("beans", ["*"], url=url)))
    assert (outcome.verdict, outcome.counts_for_breaker) == (Verdict.UNAVAILABLE, True)


def test_a_slow_receiver_is_left_after_the_whole_call_limit(channel, deliver, add_supplier, monkeypatch):
    monkeypatch.setattr("suppliers.webhooks.channel.CALL_SECONDS", 0.3)

    def drip(connection, _):
        for byte in answer(b"x" * 50):
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    with wire_server(drip) as server:
        delivery = deliver(add_supplier("beans", ["*"], url=server.url))
        began = time.monotonic()
        outcome = try_once(channel, delivery)
    assert (outcome.verdict, outcome.counts_for_breaker) == (Verdict.UNAVAILABLE, True)
    assert time.monotonic() - began < 2


def test_an_address_inside_is_refused_as_misconfigured(channel, deliver, add_supplier, settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = []
    with serving() as server:
        outcome = try_once(channel, deliver(add_supplier("beans", ["*"], url=server.url)))
    assert outcome.verdict is Verdict.MISCONFIGURED
    assert server.requests == []


def test_a_lost_secret_is_misconfigured_and_says_what_to_enter(channel, deliver, add_supplier):
    with serving() as server:
        delivery = deliver(add_supplier("beans", ["*"], url=server.url))
        Secret.objects.update(owner="suppliers.webhook:999999")
        outcome = try_once(channel, delivery)
    assert outcome.verdict is Verdict.MISCONFIGURED
    assert outcome.detail == "The webhook signing secret of beans is not stored. Enter it again."
    assert server.requests == []


def test_a_secret_moved_to_another_webhook_does_not_open(channel, deliver, add_supplier):
    beans, peas = add_supplier("beans", ["*"]), add_supplier("peas", ["P*"])
    Secret.objects.filter(owner=f"suppliers.webhook:{peas.webhook.pk}").delete()
    Secret.objects.update(owner=f"suppliers.webhook:{peas.webhook.pk}")
    with pytest.raises(webhook_secrets.sealing.SecretLost):
        webhook_secrets.target_of(peas.webhook, now=timezone.now())
    assert beans.webhook.pk != peas.webhook.pk


def test_a_webhook_that_was_removed_is_misconfigured(channel, deliver, add_supplier):
    supplier = add_supplier("beans", ["*"])
    delivery = deliver(supplier)
    supplier.webhook.delete()
    assert try_once(channel, delivery).verdict is Verdict.MISCONFIGURED


def test_an_accepted_event_waits_for_its_fetch(channel, deliver, add_supplier):
    delivery = deliver(add_supplier("beans", ["*"]))
    channel.recorded([(delivery, Outcome(Verdict.UNAVAILABLE))])
    assert SupplierPart.objects.get().told_at is None
    channel.recorded([(delivery, Outcome(Verdict.DELIVERED))])
    part = SupplierPart.objects.get()
    assert part.told_at is not None
    first = part.unfetched_since
    assert first is not None
    channel.recorded([(delivery, Outcome(Verdict.DELIVERED))])
    assert SupplierPart.objects.get().unfetched_since == first


def test_a_fetch_before_the_answer_was_recorded_counts(channel, deliver, add_supplier):
    delivery = deliver(add_supplier("beans", ["*"]))
    SupplierPart.objects.update(fetched_at=timezone.now() + timedelta(milliseconds=5))
    channel.recorded([(delivery, Outcome(Verdict.DELIVERED))])
    assert SupplierPart.objects.get().unfetched_since is None
    SupplierPart.objects.update(fetched_at=delivery.created_at - timedelta(seconds=1))
    channel.recorded([(delivery, Outcome(Verdict.DELIVERED))])
    assert SupplierPart.objects.get().unfetched_since is not None


def test_a_receiver_that_answers_410_is_disabled_and_its_rows_stay_pending(channel, deliver, add_supplier):
    with serving(status="410 Gone") as server:
        supplier = add_supplier("beans", ["*"], url=server.url)
        delivery = deliver(supplier)
        outcome = try_once(channel, delivery)
    channel.recorded([(delivery, outcome)])
    destination = Destination.objects.get()
    assert (destination.state, destination.probe_at) == ("paused", None)
    assert destination.state_reason.startswith("The receiver answered 410 Gone: the endpoint is disabled.")
    judge([(destination, outcome)], DatabaseClock())
    destination.refresh_from_db()
    assert (destination.state, destination.probe_at) == ("paused", None)
    assert Delivery.objects.get().status == "pending"
