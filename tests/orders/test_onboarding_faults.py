"""Every fault of an onboarding file names its file, line and key, all of them at once."""

from __future__ import annotations

import pytest

from orders.integrations.onboarding_faults import FileRefused
from orders.models import Tenant
from orders.onboarding import yaml_text
from orders.onboarding.files import apply_file

pytestmark = pytest.mark.django_db

HEAD = "tenants:\n- id: acme\n  name: Acme\n"


def faults(text):
    with pytest.raises(FileRefused) as refused:
        apply_file(text if isinstance(text, bytes) else text.encode(), file="f.yaml", who="test", environment=True)
    assert not Tenant.objects.exists()
    return [str(fault) for fault in refused.value.faults]


CASES = {
    "no mode": ("", ["f.yaml:2: tenants[0].mode: is required"]),
    "unknown mode": ("  mode: prox\n", ["f.yaml:4: tenants[0].mode: must be 'proxy', 'migrating' or 'events'"]),
    "unknown key": (
        "  mode: events\n  timezone: UTC\n",
        ["f.yaml:5: tenants[0].timezone: is not a known key; correct its name or leave it out"],
    ),
    "time zone": (
        "  mode: events\n  time_zone: Mars/Base\n",
        ["f.yaml:5: tenants[0].time_zone: must be a time zone such as Europe/Copenhagen"],
    ),
    "country": (
        "  mode: events\n  country: DK\n",
        ["f.yaml:5: tenants[0].country: must be two small letters such as dk"],
    ),
    "proxy without URL": (
        "  mode: proxy\n",
        ["f.yaml:2: tenants[0].external_url: is required in proxy mode: the address of the tenant's own order service"],
    ),
    "migrating without URL": (
        "  mode: migrating\n  external_url: null\n",
        [
            "f.yaml:5: tenants[0].external_url: is required in migrating mode: "
            "the address of the tenant's own order service"
        ],
    ),
    "URL": (
        "  mode: proxy\n  external_url: ftp://x.example/\n",
        [
            "f.yaml:5: tenants[0].external_url: must be an http(s) URL: 'ftp://x.example/' must be "
            "http(s)://host[:port]/path, without a login and without #"
        ],
    ),
    "schedule": (
        "  mode: events\n  event_retry_schedule: []\n",
        ["f.yaml:5: tenants[0].event_retry_schedule: must be 1 to 50 numbers of seconds, each at most 2592000"],
    ),
    "step of a schedule": (
        "  mode: events\n  event_retry_schedule:\n  - 1\n  - soon\n",
        ["f.yaml:7: tenants[0].event_retry_schedule[1]: must be a number"],
    ),
    "timeout": (
        "  mode: events\n  proxy_timeout_seconds: 31\n",
        ["f.yaml:5: tenants[0].proxy_timeout_seconds: must be less than or equal to 30"],
    ),
    "infinite": (
        "  mode: events\n  proxy_timeout_seconds: .inf\n",
        ["f.yaml:5: tenants[0].proxy_timeout_seconds: must be a number"],
    ),
    "minutes": (
        "  mode: events\n  not_fetched_after_minutes: 1.5\n",
        ["f.yaml:5: tenants[0].not_fetched_after_minutes: must be a whole number"],
    ),
    "status map": (
        "  mode: events\n  status_map: {NEW: 1}\n",
        ["f.yaml:5: tenants[0].status_map.NEW: must be a text; put it in quotes if it looks like something else"],
    ),
    "boolean": ("  mode: events\n  active: yes\n", ["f.yaml:5: tenants[0].active: must be true or false"]),
    "unset variable": (
        "  mode: events\n  api_clients:\n  - client_id: a\n    scopes: [customer-orders:read]\n"
        "    client_secret: ${ONBOARD_UNSET}\n",
        [
            "f.yaml:8: tenants[0].api_clients[0].client_secret: names the environment variable ONBOARD_UNSET, "
            "which is not set; set it or write the secret"
        ],
    ),
    "a variable of another name": (
        "  mode: events\n  api_clients:\n  - client_id: a\n    scopes: [customer-orders:read]\n"
        "    client_secret: ${HUB_ENCRYPTION_KEYS}\n",
        [
            "f.yaml:8: tenants[0].api_clients[0].client_secret: may name only environment variables that "
            "begin with ONBOARD_, as ${ONBOARD_NAME}"
        ],
    ),
    "short secret": (
        "  mode: events\n  api_clients:\n  - client_id: a\n    scopes: [customer-orders:read]\n"
        "    client_secret: fifteen-letters\n",
        ["f.yaml:8: tenants[0].api_clients[0].client_secret: must have at least 16 characters"],
    ),
    "scope of the other kind": (
        "  mode: events\n  api_clients:\n  - client_id: a\n    scopes:\n    - customer-orders:read\n    - events\n",
        [
            "f.yaml:9: tenants[0].api_clients[0].scopes[1]: 'events' is no scope of a tenant's client; known are "
            "customer-orders:read, customer-orders:write, proxy-config:write, order-events:operate, products:write"
        ],
    ),
    "scope of the other kind, supplier": (
        "  mode: events\n  suppliers:\n  - id: beans\n    name: Beans\n    item_patterns: ['*']\n"
        "    api_client: {client_id: b, scopes: [customer-orders:read]}\n",
        [
            "f.yaml:9: tenants[0].suppliers[0].api_client.scopes[0]: 'customer-orders:read' is no scope of a "
            "supplier's client; known are supplier-orders:read, events"
        ],
    ),
    "no scopes": (
        "  mode: events\n  api_clients:\n  - {client_id: a, scopes: []}\n",
        ["f.yaml:6: tenants[0].api_clients[0].scopes: must name at least one"],
    ),
    "no business unit": (
        "  mode: events\n  api_clients:\n  - {client_id: a, scopes: [customer-orders:read], business_units: []}\n",
        ["f.yaml:6: tenants[0].api_clients[0].business_units: must name at least one"],
    ),
    "odd business unit": (
        "  mode: events\n  api_clients:\n  - {client_id: a, scopes: [customer-orders:read], business_units: ['..']}\n",
        [
            "f.yaml:6: tenants[0].api_clients[0].business_units[0]: must be an id: 1 to 128 characters, no control "
            'characters, no blank at either end, not "."'
        ],
    ),
    "client id": (
        "  mode: events\n  api_clients:\n  - {client_id: 'a:b', scopes: [customer-orders:read]}\n",
        [
            "f.yaml:6: tenants[0].api_clients[0].client_id: must be 1 to 100 visible ASCII characters "
            "without a colon or blank"
        ],
    ),
    "public key": (
        "  mode: events\n  api_clients:\n  - {client_id: a, scopes: [customer-orders:read], public_keys: [x]}\n",
        [
            "f.yaml:6: tenants[0].api_clients[0].public_keys[0]: must be an RSA public key or certificate "
            "in PEM (-----BEGIN PUBLIC KEY----- or -----BEGIN CERTIFICATE-----)"
        ],
    ),
    "client twice": (
        "  mode: events\n  api_clients:\n  - {client_id: a, scopes: [customer-orders:read]}\n"
        "  suppliers:\n  - id: beans\n    name: Beans\n    item_patterns: ['*']\n"
        "    api_client: {client_id: a, scopes: [events]}\n",
        ["f.yaml:11: tenants[0].suppliers[0].api_client.client_id: 'a' is already the client_id of line 6"],
    ),
    "tenant twice": (
        "  mode: events\n- {id: acme, name: Again, mode: events}\n",
        ["f.yaml:5: tenants[1].id: 'acme' is already the tenant of line 2"],
    ),
    "key twice": ("  mode: events\n  mode: proxy\n", ["f.yaml:5: tenants[0].mode: is in this object twice"]),
    "supplier without webhook URL": (
        "  mode: events\n  suppliers:\n  - id: beans\n    name: Beans\n    item_patterns: ['*']\n    webhook:\n"
        "      concurrency: 2\n",
        ["f.yaml:9: tenants[0].suppliers[0].webhook.url: is required"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_fault_names_file_line_and_key(case):
    text, expected = CASES[case]
    assert faults(HEAD + text) == expected


def test_all_faults_are_reported_at_once():
    text = "tenants:\n- id: -acme\n  mode: proxy\n  country: 1\n  api_clients:\n  - {scopes: [events]}\n- 5\n"
    assert faults(text) == [
        "f.yaml:2: tenants[0].id: must be a-z, 0-9 and hyphens, at most 63, no hyphen first",
        "f.yaml:2: tenants[0].name: is required",
        "f.yaml:2: tenants[0].external_url: is required in proxy mode: the address of the tenant's own order service",
        "f.yaml:4: tenants[0].country: must be a text; put it in quotes if it looks like something else",
        "f.yaml:6: tenants[0].api_clients[0].client_id: is required",
        "f.yaml:7: tenants[1]: must be an object of keys and values",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "f.yaml:1: is empty; it needs the key tenants"),
        ("tenants:\n  - [\n", "f.yaml:3: is no YAML: while parsing a flow node expected the node content, but found "),
        (b"a: 1\nb: \xff", "f.yaml:2: is not UTF-8 text"),
        ("tenants: []\n---\ntenants: []\n", "f.yaml:2: is no YAML: expected a single document in the stream"),
        ("- 1", "f.yaml:1: must be an object of keys and values"),
        ("nothing: 1", "f.yaml:1: tenants: is required"),
        ("tenants:\n- !!python/name:os.system x\n", "f.yaml:2: tenants[0]: has the tag tag:yaml.org,2002:python/name"),
        ("[" * 5_000, "f.yaml:1: is nested too deeply"),
        ("a: &a [*a]", "f.yaml:1: holds too much, or is nested too deeply (look at its anchors and aliases)"),
    ],
)
def test_what_is_no_onboarding_file_at_all_is_refused(text, expected):
    assert faults(text)[0].startswith(expected)


def test_a_bomb_of_aliases_is_refused_soon():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert faults("\n".join(lines)) == [
        "f.yaml:1: holds too much, or is nested too deeply (look at its anchors and aliases)"
    ]


def test_a_file_over_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(yaml_text, "BYTES_MOST", 10)
    assert faults("tenants: []\n") == ["f.yaml:1: is larger than 10 bytes; split it by tenant"]


def test_words_of_older_yaml_stay_text():
    apply_file(b"tenants: [{id: acme, name: yes, mode: events, country: no}]", file="f", who="test")
    acme = Tenant.objects.get()
    assert (acme.name, acme.country) == ("yes", "no")


def test_fifty_levels_below_the_top_are_read_and_one_more_is_refused():
    def nested(levels):
        return "[" * (levels + 1) + "]" * (levels + 1)

    assert faults(nested(yaml_text.DEPTH_MOST)) == ["f.yaml:1: must be an object of keys and values"]
    assert faults(nested(yaml_text.DEPTH_MOST + 1))[0].startswith("f.yaml:1: holds too much, or is nested too deeply")
