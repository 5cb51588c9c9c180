"""The key that seals secrets is changed while orders, tokens, reads and webhooks go on: nobody notices."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.chaos.kept import START_SECONDS
from tests.chaos.rotation import Asker, Partner, Rotation, key
from tests.chaos.senders import Senders
from tests.processes import wait_until

pytestmark = [pytest.mark.long, pytest.mark.needs_postgres, pytest.mark.needs_redis]

SECRET, PASSWORD = "a-secret-of-the-clients-0123456789abcdef", "a-password-of-the-hub"
SIGNING = "whsec_" + "c2lnbnMgYWxsIHRoYXQgZ29lcyBvdXQgaGVyZQ=="
SET_UP = """
from django.contrib.auth.models import User
from orders.access import second_step
from orders.onboarding.files import apply_file
second_step.propose(User.objects.create_user("ada"))
apply_file({file!r}.encode(), file="two.yaml", who="ops")
"""
FILE = """
tenants:
  - id: turning
    name: Turning
    mode: events
    api_clients:
      - {{client_id: turning, client_secret: {secret}, scopes: [customer-orders:read, customer-orders:write]}}
    suppliers:
      - id: beans
        name: Beans
        item_patterns: ["*"]
        api_client: {{client_id: beans, client_secret: {secret}, scopes: [supplier-orders:read]}}
        webhook:
          url: {url}/hook
          events: [order_created, order_updated, order_cancelled]
          signing_secret: {signing}
          auth: {{type: basic, username: hub, password: {password}}}
  - id: reads
    name: Reads
    mode: proxy
    external_url: {url}
    proxy_auth: {{type: basic, config: {{username: hub, password: {password}}}}}
    api_clients:
      - {{client_id: reads, client_secret: {secret}, scopes: [customer-orders:read, proxy-config:write]}}
"""


def sealed_under(url):
    """key id -> rows, over everything that lies sealed."""
    with psycopg.connect(url) as connection:
        every = "SELECT key_id FROM orders_secret UNION ALL SELECT key_id FROM orders_secondstep"
        return dict(connection.execute(f"SELECT key_id, count(*) FROM ({every}) AS s GROUP BY key_id").fetchall())


def fates(url):
    with psycopg.connect(url) as connection:
        return dict(connection.execute("SELECT status, count(*) FROM orders_delivery GROUP BY status").fetchall())


@pytest.fixture
def clean_stage(stage_servers):
    """Without secrets before, and without those of keys that nobody knows after."""
    _, ledger = stage_servers
    ledger.forget_secrets()
    yield stage_servers
    ledger.forget_secrets()


def test_keys_are_changed_without_a_request_a_webhook_or_a_secret_lost(clean_stage):
    stacked, ledger = clean_stage
    ledger.empty()
    url = stacked.servers.database_url
    old, new = key("old"), key("new")
    with Partner(SIGNING, PASSWORD) as partner, Rotation(stacked, old) as hub:
        file = FILE.format(url=partner.url, secret=SECRET, signing=SIGNING, password=PASSWORD)
        hub.manage("shell", "--no-imports", "-c", SET_UP.format(file=file))
        assert sealed_under(url) == {"old": 4}
        asker = Asker(hub.balancer.port, "reads", SECRET)
        token = Asker(hub.balancer.port, "turning", SECRET).token()
        with asker, Senders(hub.balancer.port, token, orders=30, rate=20, keep_alive=False, threads=2) as senders:
            wait_until(lambda: partner.right["POST"] > 5, seconds=START_SECONDS)
            hub.restart(f"{old},{new}")
            hub.restart(f"{new},{old}")
            _enter_the_password_again(asker)
            assert sealed_under(url) == {"old": 3, "new": 1}
            assert "3 secrets moved to the key new." in hub.manage("secrets", "reseal")
            assert "old" not in hub.manage("secrets", "list")
            hub.restart(new)
            seen = partner.right["POST"]
            wait_until(lambda: partner.right["POST"] > seen + 20, seconds=START_SECONDS)
        wait_until(
            lambda: set(fates(url)) <= {"delivered", "superseded"}, seconds=START_SECONDS, why=lambda: str(fates(url))
        )
        assert sealed_under(url) == {"new": 4}
        assert (senders.notes.trouble, asker.trouble, partner.wrong) == ({}, [], [])
        assert len(senders.notes.accepted) > 100
        assert asker.asked == partner.right["GET"] > 20
        unsaid = (PASSWORD, SIGNING, *(one.partition(":")[2] for one in (old, new)), "cannot be opened", "SecretLost")
        assert [one for one in unsaid if one in hub.logs] == []


def _enter_the_password_again(asker):
    """A secret that is stored while both keys are known is sealed with the new one."""
    config = {"type": "basic", "config": {"username": "hub", "password": PASSWORD}}
    headers = {"Authorization": f"Bearer {asker.token()}", "Content-Type": "application/json"}
    status, said = asker.call("PUT", "/api/v1/proxy-config", json.dumps(config), **headers)
    assert status in (200, 201, 204), said
