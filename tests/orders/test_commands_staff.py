"""``manage.py staff``: logins, their roles, and the password that is printed once."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from orders.models import StaffTenant, Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_password(monkeypatch):
    monkeypatch.delenv("HUB_STAFF_PASSWORD", raising=False)


def staff(*arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("staff", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_new_login_gets_a_password_printed_once():
    out, _ = staff("ada", "--role", "superuser")
    made = out.split("shown this once: ")[1].strip()
    ada = User.objects.get(username="ada")
    assert ada.check_password(made)
    assert (ada.is_staff, ada.is_superuser, ada.is_active) == (True, True, True)
    again, _ = staff("ada", "--role", "superuser")
    assert "stays as it was" in again
    assert User.objects.get(username="ada").check_password(made)


def test_the_environment_gives_the_password(monkeypatch):
    monkeypatch.setenv("HUB_STAFF_PASSWORD", "correct horse battery")
    out, err = staff("ada", "--role", "operator")
    assert User.objects.get().check_password("correct horse battery")
    assert "correct horse battery" not in out + err
    assert err == ""


def test_a_weak_password_is_taken_with_a_warning(monkeypatch):
    monkeypatch.setenv("HUB_STAFF_PASSWORD", "12345")
    _, err = staff("ada", "--role", "operator")
    assert "weak" in err
    assert "12345" not in err
    assert User.objects.get().check_password("12345")


def test_a_login_without_a_password_gets_one():
    User.objects.create_user("ada")
    out, _ = staff("ada", "--role", "support")
    assert "shown this once" in out
    assert User.objects.get().has_usable_password()


def test_a_role_replaces_the_one_before():
    Tenant.objects.create(slug="acme", name="Acme", mode="events")
    staff("ada", "--role", "superuser")
    staff("ada", "--role", "tenant-admin", "--tenant", "acme")
    ada = User.objects.get()
    assert ada.is_superuser is False
    assert [group.name for group in ada.groups.all()] == ["tenant-admin"]
    assert ada.staff_tenant.tenant.slug == "acme"
    staff("ada", "--role", "operator")
    assert [group.name for group in User.objects.get().groups.all()] == ["operator"]
    assert not StaffTenant.objects.exists()


def test_an_operator_steers_and_support_looks():
    staff("olga", "--role", "operator")
    staff("sam", "--role", "support")
    olga, sam = User.objects.get(username="olga"), User.objects.get(username="sam")
    everything = ["orders.tenant", "orders.orderevent", "orders.delivery", "suppliers.supplier", "proxy.proxyconfig",
                  "orderflow.orderflowchannel", "orders.historicaltenant"]  # fmt: skip
    for model in everything:
        app, name = model.split(".")
        assert olga.has_perm(f"{app}.view_{name}"), model
        assert sam.has_perm(f"{app}.view_{name}"), model
        assert not sam.has_perm(f"{app}.change_{name}"), model
        assert not olga.has_perm(f"{app}.delete_{name}"), model
    assert olga.has_perm("orders.change_orderevent")
    assert olga.has_perm("suppliers.add_supplier")
    assert not olga.has_perm("orders.add_orderevent")
    assert not olga.has_perm("orders.change_historicaltenant")
    assert not olga.has_perm("auth.change_user")
    for someone in (olga, sam):
        assert not someone.has_perm("orders.view_secret")


def test_the_roles_are_there_after_migrating():
    names = set(Group.objects.values_list("name", flat=True))
    assert names == {"operator", "support", "tenant-admin"}
    support = Group.objects.get(name="support")
    assert support.permissions.filter(codename="view_tenant").exists()
    assert not support.permissions.filter(codename="view_secret").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ada", "--role", "tenant-admin"], 2, "--tenant"),
        (["ada", "--role", "tenant-admin", "--tenant", "nobody"], 1, "no tenant 'nobody'"),
        (["ada", "--role", "support", "--tenant", "acme"], 2, "tenant-admin only"),
        (["a b!", "--role", "support"], 1, "cannot be used"),
    ],
)
def test_wrong_use_makes_no_login(arguments, code, words):
    with pytest.raises(CommandError, match=words) as refused:
        staff(*arguments)
    assert refused.value.returncode == code
    assert not User.objects.exists()
