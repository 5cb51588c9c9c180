"""A backup is worth what its restore is: dumped in the middle of the work, restored elsewhere, gone on with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from orders.access.sealing import store_secret
from tests.servers.account import unprivileged_account
from tests.servers.programs import find_postgres

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs_postgres]

ROOT = Path(__file__).resolve().parents[2]
GO_ON = """
from orders.access.sealing import open_secret
from orders.inbox import applying
from orders.models import OrderEvent, Tenant
from orders.integrations.channels import OrderKey
from orders.inbox.reception import accept
from orders.queueing.wake_ups import _Waker
from tests.bodies import body
_Waker.wake = lambda self: None
tenant = Tenant.objects.get(slug="acme")
key = OrderKey(tenant.pk, "store-1", "1001")
print("next", accept(key, payload=body("1001", customer="d"), client_id=None, correlation_id="r").sequence)
while applying.drain():
    pass
print("applied", *OrderEvent.objects.filter(status="applied").order_by("sequence").values_list("sequence", flat=True))
print("secret", open_secret(tenant_id=tenant.pk, kind="password", owner="test:1"))
"""


def test_a_restored_backup_goes_on_where_the_dump_was(engine, hub_environ, tmp_path):
    engine.put(customer="a")
    engine.drain()
    engine.put(customer="b")
    engine.put(customer="c")
    store_secret(tenant_id=engine.tenant.pk, kind="password", owner="test:1", value="opened again")

    tools = find_postgres(os.environ.get("HUB_TEST_BINARIES", ""), tmp_path, unprivileged_account())
    source = hub_environ["DATABASE_URL"]
    restored = urlsplit(source)._replace(path=urlsplit(source).path + "_restored").geturl()
    dump = tmp_path / "hub.dump"
    run_tool(tools, "pg_dump", "--format=custom", f"--file={dump}", source)
    with fresh_database(source, restored):
        run_tool(tools, "pg_restore", "--no-owner", f"--dbname={restored}", str(dump))
        said = go_on(hub_environ | {"DATABASE_URL": restored})

    assert said == ["next 4", "applied 1 2 3 4", "secret opened again"]
    assert engine.statuses() == ["applied", "pending", "pending"]  # the source was only read


def test_a_backup_restored_without_its_keys_names_which_secrets_to_enter_again(hub_environ, engine):
    store_secret(tenant_id=engine.tenant.pk, kind="password", owner="test:1", value="sealed")
    stranger = hub_environ | {"HUB_ENCRYPTION_KEYS": "other:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
    command = [sys.executable, "manage.py", "secrets", "list"]
    done = subprocess.run(command, cwd=ROOT, env=stranger, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "acme  test:1  password  key test  LOST" in done.stdout
    assert done.stdout.rstrip().endswith("Enter it again.")


def run_tool(postgres, name, *arguments):
    environ = dict(os.environ)
    if postgres.libraries:
        environ["LD_LIBRARY_PATH"] = str(postgres.libraries)
    subprocess.run([postgres.beside(name), *arguments], env=environ, timeout=120, check=True)


class fresh_database:  # noqa: N801  # reads as a verb where it is used
    """An empty database for the time of the block."""

    def __init__(self, beside: str, url: str) -> None:
        self._url, self._name = beside, urlsplit(url).path.lstrip("/")

    def __enter__(self) -> None:
        self._run(f'CREATE DATABASE "{self._name}"')

    def __exit__(self, *exc: object) -> None:
        self._run(f'DROP DATABASE "{self._name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement)


def go_on(environ):
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", GO_ON]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
