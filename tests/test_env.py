"""The environment is read once, and every wrong variable is named in one message (docs/reference/environment.md)."""

import base64
import re

import pytest

from config.env import BASE_DIR, EnvironmentFault, misspelt, read_env

KEY = "k1:" + base64.b64encode(b"0" * 32).decode()
PRODUCTION = {
    "DATABASE_URL": "postgres://hub:secret@db:5432/hub",
    "REDIS_URL": "redis://redis:6379/0",
    "HUB_SECRET_KEY": "s" * 60,
    "HUB_ENCRYPTION_KEYS": KEY,
}


def test_an_empty_environment_is_the_embedded_default(tmp_path):
    env = read_env({}, var_dir=tmp_path)
    assert (env.embedded, env.on_sqlite, env.public_url) == (True, True, "http://127.0.0.1:8000")
    assert env.event_retry_schedule == [1, 5, 30, 120, 600]
    assert env.delivery_retry_schedule == [5, 30, 120, 600, 3600, 14400, 43200]
    assert (env.breaker_failures, env.breaker_open_seconds, env.response_limit_bytes) == (10, 15, 5242880)
    assert (env.web_processes, env.web_threads, env.worker_processes, env.outbound_threads) == (2, 640, 2, 32)
    assert env.database_connections == 16
    assert (env.outbound_allow_http, env.outbound_allowed_networks, env.fault_injection) == (False, [], False)


def test_keys_of_the_embedded_default_are_made_once_and_private(tmp_path):
    first, second = read_env({}, var_dir=tmp_path / "var"), read_env({}, var_dir=tmp_path / "var")
    assert (first.secret_key, first.encryption_keys) == (second.secret_key, second.encryption_keys)
    assert len(first.encryption_keys[0][1]) == 32
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "var").iterdir()} == {0}


def test_production_makes_no_keys_and_names_those_missing(tmp_path):
    with pytest.raises(EnvironmentFault) as refused:
        read_env({"DATABASE_URL": PRODUCTION["DATABASE_URL"]}, var_dir=tmp_path)
    assert [fault.split(":")[0] for fault in refused.value.faults] == ["HUB_SECRET_KEY", "HUB_ENCRYPTION_KEYS"]
    assert list(tmp_path.iterdir()) == []


BAD = {
    "DATABASE_URL": "mysql://x/y",
    "REDIS_URL": "localhost",
    "HUB_SECRET_KEY": "short",
    "HUB_ENCRYPTION_KEYS": "k1:abc",
    "HUB_PUBLIC_URL": "hub.example.com",
    "HUB_TRUSTED_PROXIES": "10.0.0.1/8",
    "HUB_OUTBOUND_ALLOWED_NETWORKS": "inside",
    "HUB_OUTBOUND_ALLOW_HTTP": "maybe",
    "HUB_EVENT_RETRY_SCHEDULE": "1;5",
    "HUB_DELIVERY_RETRY_SCHEDULE": "-1",
    "HUB_PROXY_TIMEOUT_SECONDS": "31",
    "HUB_BREAKER_FAILURES": "-1",
    "HUB_BREAKER_OPEN_SECONDS": "soon",
    "HUB_RESPONSE_LIMIT_BYTES": "0",
    "HUB_PROGRESS_LIMIT_SECONDS": "0",
    "HUB_RECEIVE_HOLD_SECONDS": "26",
    "HUB_WEB_PROCESSES": "0",
    "HUB_WEB_THREADS": "many",
    "HUB_DATABASE_CONNECTIONS": "0",
    "HUB_WORKER_PROCESSES": "0",
    "HUB_OUTBOUND_THREADS": "0",
    "HUB_EMAIL_URL": "mail.example.com",
    "HUB_LOG_FORMAT": "xml",
    "HUB_FAULT_INJECTION": "2",
}


def test_all_wrong_variables_are_named_in_one_message(tmp_path):
    with pytest.raises(EnvironmentFault) as refused:
        read_env(dict(BAD), var_dir=tmp_path)
    assert sorted(fault.split(":")[0] for fault in refused.value.faults) == sorted(BAD)
    assert all(name in str(refused.value) for name in BAD)


@pytest.mark.parametrize("name", sorted(BAD))
def test_each_wrong_variable_is_named_alone(name, tmp_path):
    with pytest.raises(EnvironmentFault) as refused:
        read_env(PRODUCTION | {name: BAD[name]}, var_dir=tmp_path)
    assert [fault.split(":")[0] for fault in refused.value.faults] == [name]


def test_a_secret_is_never_in_the_message(tmp_path):
    with pytest.raises(EnvironmentFault) as refused:
        read_env(PRODUCTION | {"HUB_SECRET_KEY": "hunter2", "HUB_ENCRYPTION_KEYS": "k1:hunter2"}, var_dir=tmp_path)
    assert "hunter2" not in str(refused.value)


def test_the_first_of_several_keys_encrypts_and_ids_must_differ(tmp_path):
    env = read_env(PRODUCTION | {"HUB_ENCRYPTION_KEYS": KEY.replace("k1", "k2") + "," + KEY}, var_dir=tmp_path)
    assert [name for name, _ in env.encryption_keys] == ["k2", "k1"]
    with pytest.raises(EnvironmentFault, match="same id"):
        read_env(PRODUCTION | {"HUB_ENCRYPTION_KEYS": f"{KEY},{KEY}"}, var_dir=tmp_path)


def test_a_variable_that_nothing_reads_is_named_with_the_nearest_one():
    given = {
        "HUB_PUBLIC_ULR": "https://x",
        "HUB_PUBLIC_URL": "https://x",
        "HUB_ZZZ": "1",
        "HUBBUB": "1",
        "HUB_BIND": "",
    }
    assert misspelt(given) == [
        "HUB_PUBLIC_ULR is read by nothing; is HUB_PUBLIC_URL meant?",
        "HUB_ZZZ is read by nothing.",
    ]


def test_every_variable_of_the_reference_is_one_that_is_read():
    text = (BASE_DIR / "docs/reference/environment.md").read_text()
    assert misspelt(dict.fromkeys(re.findall(r"HUB_[A-Z_]+[A-Z]", text), "")) == []
