"""``manage.py migration``: plain words, exit codes, on record like the page's buttons."""

import json

import pytest
from django.core.management import CommandError, call_command

from orders.cutover import ledger
from orders.models import OperatorAction, Tenant

pytestmark = [pytest.mark.django_db, pytest.mark.both]


@pytest.fixture
def run(capsys):
    """(exit code, what was said)."""

    def call(*words):
        try:
            call_command("migration", *words)
        except CommandError as error:
            return error.returncode, str(error)
        except SystemExit as ended:
            return ended.code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    return call


def test_status_says_every_line_and_whether_it_may_be_cut_over(moving, run):
    code, said = run("status", "--tenant", "acme")
    assert (code, said.splitlines()[0], said.splitlines()[-1]) == (
        0, "acme is in migrating mode.", "It may be cut over."
    )  # fmt: skip
    ledger.add(moving.tenant.pk, [("store-1", "c")], how="file")
    code, said = run("status", "--tenant", "acme")
    assert code == 1
    assert said.splitlines()[1:3] == [
        "NOT YET  Every order that its own system has was received: 2 of 3; 1 missing",
        "         Download the missing orders and let the tenant send them (manage.py events load, or PUT).",
    ]


def test_status_of_a_tenant_that_does_not_migrate_names_its_mode_and_no_false_hurdle(moving, run):
    run("cut-over", "--tenant", "acme", "--reason", "the day")
    assert run("status", "--tenant", "acme")[1].splitlines() == [
        "acme is in events mode.", "There is nothing to cut over. (migration return lets its own system answer again.)"
    ]  # fmt: skip
    run("return", "--tenant", "acme")
    assert run("status", "--tenant", "acme")[1].splitlines()[-1] == "Put it in migrating mode to begin the move."


def test_status_as_json(moving, run):
    said = json.loads(run("status", "--tenant", "acme", "--json")[1])
    assert (said["mode"], said["ok"], said["known"], said["missing"]) == ("migrating", True, 2, 0)
    unknown = ["unknown-members", "unknown-words"]
    assert [line["line"] for line in said["lines"]] == ["ledger", "match-rate", "dead-events", "waiting", *unknown]


def test_cut_over_and_return(moving, run):
    assert run("cut-over", "--tenant", "acme", "--reason", "the day") == (
        0,
        "acme is cut over: it is in events mode. New requests are answered so within 5 s, by every process.\n",
    )
    assert run("cut-over", "--tenant", "acme", "--reason", "again")[0] == 1
    assert run("return", "--tenant", "acme", "--to", "migrating")[0] == 0
    assert run("return", "--tenant", "acme", "--reason", "worse")[0] == 0
    assert Tenant.objects.get(slug="acme").mode == "proxy"
    assert run("return", "--tenant", "acme")[0] == 1
    last = OperatorAction.objects.latest("pk")
    assert (last.who.endswith("on the command line"), last.reason) == (True, "worse")


def test_a_refused_cut_over_names_the_next_step_and_what_may_be_overridden(moving, run):
    ledger.add(moving.tenant.pk, [("store-1", "c")], how="file")
    code, said = run("cut-over", "--tenant", "acme", "--reason", "the day")
    assert code == 1
    assert said.endswith("(or --override ledger with a reason)")
    words = ("cut-over", "--tenant", "acme", "--reason", "c is deleted", "--override", "ledger")
    assert run(*words)[0] == 0


def test_wrong_use_is_2(moving, run):
    assert run("status", "--tenant", "nobody") == (2, "There is no tenant 'nobody'.")
