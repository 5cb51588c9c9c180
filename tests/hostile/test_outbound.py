"""No URL leads the hub inside: not when it is entered, not when it is used, not when its name changes between."""

from __future__ import annotations

import ipaddress

import pytest
from pydantic import TypeAdapter, ValidationError

from orders.integrations.onboarding_faults import FileRefused
from orders.models import Tenant
from orders.onboarding.fields import HttpUrl
from orders.onboarding.files import apply_file
from orders.onboarding.switching import switch_mode
from orders.values.problems import InvalidBody
from proxy.bodies import config_of
from tests.hostile import partner_calls
from tests.hostile.spellings import PLACES, SHAPES
from tests.hostile.tree import imports_of_modules

PLAIN = "The external service could not be asked. The hub may not connect to this address."
PARTNER_CALLS = pytest.mark.parametrize(
    "partner_call",
    [*partner_calls.PARTNER_CALLS, partner_calls.connection_test],
    ids=lambda partner_call: partner_call.__name__,
)


def test_the_tables_are_as_long_as_they_claim():
    assert len({*PLACES}) + len({*SHAPES}) == len(PLACES) + len(SHAPES) > 140


@PARTNER_CALLS
def test_no_stored_url_leads_inside(partner_call, dns, connects):
    """Each says to ops which setting would permit it, and to a tenant's caller no address."""
    for host in PLACES:
        said = partner_call(f"https://{host}/api")
        assert said.misconfigured, (host, said)
        assert "HUB_OUTBOUND_ALLOWED_NETWORKS" in said.words, (host, said)
        assert said.to_caller in ("", PLAIN, "The hub may not connect to this address."), (host, said)
    assert connects == []


@PARTNER_CALLS
def test_no_stored_text_that_is_no_url_is_called(partner_call, dns, connects):
    """Were a row changed behind the forms: the call is refused as misconfigured and nothing is connected to."""
    for text in SHAPES:
        said = partner_call(text)
        assert said.misconfigured, (text, said)
    assert connects == []


@PARTNER_CALLS
def test_plain_http_is_refused(partner_call, dns, connects):
    assert "HUB_OUTBOUND_ALLOW_HTTP" in partner_call("http://public.test/api").words
    assert connects == []


@PARTNER_CALLS
def test_a_name_that_is_public_when_judged_is_connected_to_there_and_nowhere_else(partner_call, dns, connects):
    """Rebinding: every further look-up answers loopback. One look-up is made per connection, and what it said counts.

    The connection test looks up twice, to tell what it found and to connect: its second look-up is judged too.
    """
    answers = [["93.184.216.34"]]
    dns["rebind.test"] = lambda: answers.pop(0) if answers else ["127.0.0.1"]
    said = partner_call("https://rebind.test/api")
    assert connects == ([] if partner_call is partner_calls.connection_test else [("93.184.216.34", 443)])
    assert "refused" in said.words or "HUB_OUTBOUND_ALLOWED_NETWORKS" in said.words


@PARTNER_CALLS
def test_of_a_name_with_addresses_in_and_out_only_the_outer_are_tried(partner_call, dns, connects):
    dns["mixed.test"] = ["127.0.0.1", "93.184.216.34", "::1", "10.0.0.1"]
    partner_call("https://mixed.test/api")
    assert set(connects) == {("93.184.216.34", 443)}


def test_what_ops_allow_is_not_allowed_to_a_tenants_auth_url(dns, connects, settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network(text) for text in ("0.0.0.0/0", "::/0")]
    for host in PLACES:
        assert "no public address" in partner_calls.oms_token_of_tenant(f"https://{host}/token").words, host
    assert connects == []


@pytest.mark.parametrize("text", SHAPES)
def test_what_is_no_url_is_refused_by_the_rule_of_all_forms_and_files(text):
    with pytest.raises(ValidationError):
        TypeAdapter(HttpUrl).validate_python(text)


@pytest.mark.parametrize("text", SHAPES)
def test_what_is_no_url_is_refused_from_a_tenants_api(text):
    config = {"clientId": "hub", "clientSecret": "secret", "authUrl": text}
    with pytest.raises(InvalidBody) as refused:
        config_of({"type": "oauth2", "config": config})
    assert [fault.pointer for fault in refused.value.errors] == ["/config/authUrl"]


FILE = """tenants:
- id: acme
  name: Acme
  mode: proxy
  external_url: {url}
  proxy_auth: {{type: oauth2, config: {{clientId: hub, clientSecret: s, authUrl: {url}}}}}
  suppliers:
  - id: beans
    name: Beans
    item_patterns: ["A*"]
    api_client: {{client_id: beans, scopes: [supplier-orders:read]}}
    webhook:
      url: {url}
      auth: {{type: oauth2, clientId: hub, clientSecret: s, authUrl: {url}}}
  orderflow_channels:
  - id: main
    base_url: {url}
    channel: C
    auth: {{type: basic, username: u, password: p}}
"""
KEYS = ("external_url", "proxy_auth.config.authUrl", "webhook.url", "webhook.auth.authUrl", "base_url")


@pytest.mark.django_db
def test_an_onboarding_file_names_each_of_its_urls_that_is_none():
    with pytest.raises(FileRefused) as refused:
        apply_file(FILE.format(url='"https://public.test@127.0.0.1/"').encode(), file="f.yaml", who="test")
    faults = [str(fault) for fault in refused.value.faults]
    told = [key for key in KEYS for fault in faults if f"{key}: must be an http(s) URL" in fault]
    assert sorted(told) == sorted(KEYS), faults


@pytest.mark.django_db
def test_switching_a_mode_takes_no_other_urls(make_tenant):
    tenant = make_tenant(mode="events")
    for text in [*SHAPES[:-1], "https://public.test@127.0.0.1/"]:
        with pytest.raises(Exception, match=r"URL|blank|address"):
            switch_mode(tenant, "proxy", who="ops", reason="x", external_url=text)
    assert Tenant.objects.get().external_url == ""


SPEAKS = {
    "orders/outgoing", "orders/simulators", "orders/management/load/hub.py", "config/management/commands/up.py",
    "config/demo/scenario.py", "config/webserver/stages.py", "config/webserver/worker.py",
    "suppliers/simulator/server.py", "suppliers/simulator/hub_client.py",
    "orders/monitoring/alerting/messages.py",
}  # fmt: skip
"""The way out, what plays a partner or a caller from outside, the web server, which ends slow connections, and alerts
by mail, which Django sends to the environment's one mail server."""
NETWORK = {"requests", "urllib3", "socket", "http.client", "urllib.request", "httpx", "aiohttp", "ftplib", "smtplib"}


def test_nothing_else_of_the_hub_opens_connections():
    found = {
        path
        for path, (modules, _) in imports_of_modules().items()
        if modules & NETWORK and not any(path.startswith(one) for one in SPEAKS)
    }
    assert found == set()
