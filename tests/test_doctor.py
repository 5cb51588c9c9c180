"""`manage.py doctor`: what it finds wrong it says with the next step, and it never falls over."""

import json
import os
from datetime import timedelta

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from config import doctor
from config.doctor import Verdict, broker, database, machine, work
from orders.access import second_step
from orders.access.sealing import open_secret, store_secret
from orders.models import Destination, OrderQueue, Secret, Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(db):
    return Tenant.objects.create(slug="acme", name="Acme", mode="events")


def verdicts(findings):
    return [(finding.verdict, finding.said, finding.do) for finding in findings]


@pytest.mark.both
def test_a_fresh_hub_has_nothing_wrong_but_what_is_not_running(capsys):
    found = {finding.name: finding for finding in doctor.examine() if finding.verdict is Verdict.WRONG}
    assert set(found) <= {"address", "workers"}  # a test has no worker and no TLS
    assert all(finding.do for finding in found.values())


@pytest.mark.both
def test_an_event_that_waits_too_long_is_wrong_and_the_exit_code_reports_it(tenant, capsys):
    OrderQueue.objects.create(
        tenant=tenant, business_unit_id="s", customer_order_id="1", last_sequence=1,
        due_at=timezone.now() - timedelta(minutes=5),
    )  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ended.value.code == 1
    assert [(one["verdict"], one["said"]) for one in lines if one["name"] == "progress"] == [
        ("wrong", "the oldest due event waits 5 min"),
        ("ok", "no delivery waits"),
    ]


@pytest.mark.both
def test_a_lost_key_names_every_secret_to_enter_again_and_an_older_key_is_worth_a_reseal(tenant, settings, capsys):
    old = settings.HUB_ENCRYPTION_KEYS[0]
    store_secret(tenant_id=tenant.pk, kind="password", owner="proxy.config:1", value="s3cret-of-acme")
    newer = ("newer", os.urandom(32))
    settings.HUB_ENCRYPTION_KEYS = (newer, old)
    assert [(f.verdict, f.do) for f in work.secrets_open()] == [(Verdict.WARNING, "Run manage.py secrets reseal.")]

    call_command("secrets", "reseal")
    assert "1 secrets moved to the key newer." in capsys.readouterr().out
    settings.HUB_ENCRYPTION_KEYS = (newer,)
    assert open_secret(tenant_id=tenant.pk, kind="password", owner="proxy.config:1") == "s3cret-of-acme"
    assert [f.verdict for f in work.secrets_open()] == [Verdict.WELL]

    settings.HUB_ENCRYPTION_KEYS = (old,)
    (finding,) = work.secrets_open()
    assert finding.verdict is Verdict.WRONG
    assert finding.said == (
        "The password of proxy.config:1 (Acme) cannot be opened: its key 'newer' is no longer in HUB_ENCRYPTION_KEYS. "
        "Enter it again."
    )
    with pytest.raises(SystemExit):
        call_command("secrets", "list")
    listed = capsys.readouterr().out
    assert "acme  proxy.config:1  password  key newer  LOST: The password of proxy.config:1 (Acme)" in listed
    assert "s3cret-of-acme" not in listed


@pytest.mark.both
def test_a_second_step_that_does_not_open_is_named_with_the_command_that_resets_it(settings):
    second_step.propose(User.objects.create_user("ada"))
    settings.HUB_ENCRYPTION_KEYS = (("newer", os.urandom(32)),)
    (finding,) = work.secrets_open()
    assert finding.verdict is Verdict.WRONG
    assert "The second step of ada cannot be checked" in finding.said
    assert "manage.py staff ada --reset-totp" in finding.said


@pytest.mark.both
def test_a_secret_moved_to_another_row_does_not_open(tenant):
    other = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    store_secret(tenant_id=tenant.pk, kind="password", owner="proxy.config:1", value="s3cret-of-acme")
    Secret.objects.update(tenant=other)
    (finding,) = work.secrets_open()
    assert finding.verdict is Verdict.WRONG
    assert "sealed for another row" in finding.said


@pytest.mark.both
def test_a_stopped_destination_is_named_with_the_command_that_resumes_it(tenant):
    Destination.objects.create(
        tenant=tenant, channel="orderflow", name="main", state="stopped", state_reason="refused user philz (412)"
    )
    (finding,) = work.destinations()
    assert (finding.verdict, finding.said) == (
        Verdict.WARNING,
        "main of Acme is stopped: refused user philz (412)",
    )
    assert finding.do.endswith("manage.py destinations resume acme main")


@pytest.mark.both
def test_a_library_that_differs_from_the_lock_is_named(tmp_path, monkeypatch):
    lock = tmp_path / "requirements.lock"
    lock.write_text("django==1.0 \\\n    --hash=sha256:00\nnot-here==2.0 ; sys_platform == 'win32' \\\n")
    monkeypatch.setattr(machine, "LOCK", lock)
    (finding,) = machine.versions()
    assert finding.verdict is Verdict.WRONG
    assert "instead of 1.0" in finding.said
    assert "not-here" not in finding.said


@pytest.mark.needs_redis
def test_a_broker_that_is_away_is_named_without_its_password(monkeypatch):
    class Env:
        embedded = False
        redis_url = "redis://:hunter2@127.0.0.1:1/0"

    monkeypatch.setattr(broker, "ENV", Env)
    (finding,) = broker.reachable()
    assert finding.verdict is Verdict.WRONG
    assert "127.0.0.1:1" in finding.said
    assert "hunter2" not in finding.said


@pytest.mark.needs_postgres
@pytest.mark.django_db(transaction=True)
def test_a_transaction_left_open_is_named_with_the_statement_that_ends_it(hub_environ, monkeypatch):
    monkeypatch.setattr(database, "LONG_SECONDS", 0)
    with psycopg.connect(hub_environ["DATABASE_URL"], application_name="forgotten") as left_open:
        left_open.execute("SELECT 1")
        named = [finding for finding in database.transactions() if "forgotten" in finding.said]
        assert [finding.verdict for finding in named] == [Verdict.WARNING]
        assert f"pg_terminate_backend({left_open.info.backend_pid})" in named[0].do


@pytest.mark.both
def test_a_check_that_fails_is_itself_a_finding(monkeypatch):
    def falls_over():
        raise LookupError("nothing there")
        yield

    monkeypatch.setattr(doctor, "WITH_DATABASE", (("clock", falls_over),))
    (finding,) = (one for one in doctor.examine() if one.name == "clock")
    assert (finding.verdict, finding.said) == (Verdict.WRONG, "could not be checked: LookupError: nothing there")


def test_every_locked_library_has_a_licence_on_the_list(capsys):
    call_command("licences")
    rows = capsys.readouterr().out.splitlines()[2:]
    assert len(rows) > 30
    assert any(row.startswith(("| Django |", "| django |")) for row in rows)
    assert not [row for row in rows if row.endswith("| not stated |")]
