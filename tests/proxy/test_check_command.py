"""``manage.py proxy check`` names the step that fails, with its time."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from proxy import credentials
from tests.proxy.conftest import ORDER


def check(capsys, *arguments):
    """The steps printed, as (verdict, step) pairs, and the exit code."""
    code = 0
    try:
        call_command("proxy", "check", *arguments)
    except SystemExit as ended:
        code = ended.code
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert all(line[3] == "ms" and float(line[2]) >= 0 and line[4:] for line in lines)
    return [(line[0], line[1]) for line in lines], code


def test_a_working_service_passes_every_step(tenant, oauth2, oms, capsys):
    oms.add_order("store-1", ORDER)
    named = check(capsys, "acme", "--unit", "store-1", "--order", "1001")
    assert named == ([("ok", step) for step in ("resolve", "connect", "token", "read", "search", "contract")], 0)
    assert check(capsys, "acme") == named


def test_it_stops_at_the_step_that_fails(tenant, basic, oms, capsys):
    oms.fail(wrong_type="items", on="GET ")
    oms.add_order("store-1", ORDER)
    steps, code = check(capsys, "acme", "--unit", "store-1", "--order", "1001")
    assert (steps, code) == (
        [("ok", "resolve"), ("ok", "connect"), ("ok", "read"), ("ok", "search"), ("FAILED", "contract")],
        1,
    )
    credentials.store(basic, "wrong")
    assert check(capsys, "acme")[0][-1] == ("FAILED", "read")


def test_wrong_use_names_the_next_step(tenant, capsys):
    with pytest.raises(CommandError, match="no tenant 'nobody'"):
        check(capsys, "nobody")
    with pytest.raises(CommandError, match="set them with PUT"):
        check(capsys, "acme")
    with pytest.raises(CommandError, match="together"):
        check(capsys, "acme", "--order", "1")
