"""``manage.py onboard``: applied is 0, refused is 1 with every fault."""

from __future__ import annotations

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from orders.models import Tenant

pytestmark = [pytest.mark.django_db, pytest.mark.both]

GOOD = "tenants: [{id: acme, name: Acme, mode: events}]"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "acme.yaml"
    path.write_text(GOOD)
    return path


def onboard(*arguments):
    out = io.StringIO()
    call_command("onboard", *map(str, arguments), stdout=out)
    return out.getvalue().splitlines()


def test_a_good_file_is_applied(file):
    assert onboard(file) == ["created    tenant acme", "Applied: 1 created, 0 changed, 0 unchanged."]
    assert Tenant.history.get().history_change_reason.endswith("on the command line")


def test_a_dry_run_stores_nothing(file):
    assert onboard(file, "--dry-run")[-1] == "Dry run, nothing was stored: 1 created, 0 changed, 0 unchanged."
    assert not Tenant.objects.exists()


def test_standard_input_is_a_file_too(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    onboard("-")
    assert Tenant.objects.get().slug == "acme"


def test_a_bad_file_is_refused_with_every_fault(file):
    file.write_text("tenants:\n- id: acme\n  mode: x\n")
    with pytest.raises(CommandError) as refused:
        onboard(file)
    assert refused.value.returncode == 1
    assert str(refused.value).splitlines() == [
        f"{file} was refused and nothing was stored: 2 faults.",
        f"  {file}:2: tenants[0].name: is required",
        f"  {file}:3: tenants[0].mode: must be 'proxy', 'migrating' or 'events'",
    ]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"none\.yaml cannot be read: No such file"):
        onboard(tmp_path / "none.yaml")
