"""Secrets at rest open only for their tenant, kind and row, and only with a key of the ring."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from orders.access import sealing, second_step
from orders.access.sealing import SecretLost, delete_secret, open_secret, reseal_all, store_secret
from orders.models import AlertRule, SecondStep, Secret, Tenant

pytestmark = [pytest.mark.both, pytest.mark.django_db]
OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)


@pytest.fixture
def tenant(settings):
    settings.HUB_ENCRYPTION_KEYS = (OLD,)
    return Tenant.objects.create(slug="acme", name="Acme", mode="events")


def place(tenant, **other):
    return {"tenant_id": tenant.pk, "kind": "proxy_password", "owner": "proxy.proxyconfig:1"} | other


def test_a_stored_secret_opens_and_is_not_in_the_row(tenant):
    store_secret(**place(tenant), value="correct horse")
    assert open_secret(**place(tenant)) == "correct horse"
    assert b"correct horse" not in bytes(Secret.objects.get().sealed)


def test_storing_again_replaces(tenant):
    for value in ("one", "two"):
        store_secret(**place(tenant), value=value)
    assert (open_secret(**place(tenant)), Secret.objects.count()) == ("two", 1)


def test_a_secret_that_is_not_stored_is_none(tenant):
    assert open_secret(**place(tenant)) is None
    store_secret(**place(tenant), value="x")
    delete_secret(**place(tenant))
    assert open_secret(**place(tenant)) is None


@pytest.mark.parametrize("moved", [{"owner": "proxy.proxyconfig:2"}, {"kind": "webhook_secret"}])
def test_a_secret_moved_to_another_row_does_not_open(tenant, moved):
    store_secret(**place(tenant), value="x")
    Secret.objects.update(**moved)
    with pytest.raises(SecretLost, match="Enter it again"):
        open_secret(**place(tenant, **moved))


def test_a_secret_moved_to_another_tenant_does_not_open(tenant):
    store_secret(**place(tenant), value="x")
    other = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    Secret.objects.update(tenant=other)
    with pytest.raises(SecretLost):
        open_secret(**place(other))


def test_a_new_first_key_seals_and_the_old_still_opens_until_all_is_resealed(tenant, settings):
    store_secret(**place(tenant), value="x")
    settings.HUB_ENCRYPTION_KEYS = (NEW, OLD)
    assert open_secret(**place(tenant)) == "x"
    assert reseal_all() == 1
    settings.HUB_ENCRYPTION_KEYS = (NEW,)
    assert open_secret(**place(tenant)) == "x"


def test_a_lost_key_says_what_must_be_entered_again(tenant, settings):
    store_secret(**place(tenant), value="x")
    settings.HUB_ENCRYPTION_KEYS = (NEW,)
    with pytest.raises(SecretLost) as lost:
        open_secret(**place(tenant))
    assert str(lost.value) == (
        "The proxy password of proxy.proxyconfig:1 (Acme) cannot be opened: its key 'old' is no longer in "
        "HUB_ENCRYPTION_KEYS. Enter it again."
    )


def test_it_is_named_as_people_know_it(tenant, settings):
    rule = AlertRule.objects.create(tenant=tenant, kind="dead_events", threshold=1)
    mine = place(tenant, kind="alert signing secret", owner=f"orders.alertrule:{rule.pk}")
    store_secret(**mine, value="x")
    settings.HUB_ENCRYPTION_KEYS = (NEW,)
    with pytest.raises(SecretLost, match="The alert signing secret of alert rule dead events of Acme cannot"):
        open_secret(**mine)


def test_a_secret_stored_while_all_is_resealed_is_not_overwritten(tenant, settings, monkeypatch):
    store_secret(**place(tenant), value="before")
    settings.HUB_ENCRYPTION_KEYS = (NEW, OLD)
    seal, calls = sealing.seal_bytes, []

    def seal_late(data, *, context):
        if not calls:
            calls.append(data)
            store_secret(**place(tenant), value="meanwhile")
        return seal(data, context=context)

    monkeypatch.setattr(sealing, "seal_bytes", seal_late)
    assert reseal_all() == 0
    assert calls == [b"before"]
    assert open_secret(**place(tenant)) == "meanwhile"


@pytest.fixture
def two_steps(settings):
    settings.HUB_ENCRYPTION_KEYS = (OLD,)
    users = [User.objects.create_user(name) for name in ("ada", "bob")]
    for user in users:
        second_step.propose(user)
    return users


def test_the_list_names_staff_whose_second_step_does_not_open_and_what_to_do(two_steps, settings, capsys):
    call_command("secrets", "list")
    assert capsys.readouterr().out.splitlines()[0] == "staff  ada  second step  key old  opens"
    settings.HUB_ENCRYPTION_KEYS = (NEW,)
    with pytest.raises(SystemExit) as ended:
        call_command("secrets", "list")
    told = capsys.readouterr()
    assert ended.value.code == 1
    assert told.out.splitlines()[1] == (
        "staff  bob  second step  key old  LOST: The second step of bob cannot be checked: its key 'old' is no longer "
        "in HUB_ENCRYPTION_KEYS. Reset it with manage.py staff bob --reset-totp; bob sets it up again."
    )
    assert told.err.startswith("2 cannot be opened. If you still have the key, put it back into HUB_ENCRYPTION_KEYS")


def test_an_app_moved_to_another_login_does_not_open(two_steps):
    ada, bob = two_steps
    theirs = SecondStep.objects.get(user=bob)
    SecondStep.objects.filter(user=ada).update(sealed=theirs.sealed)
    with pytest.raises(second_step.SecondStepLost, match="sealed for another row"):
        second_step.proposed(ada)
    assert second_step.proposed(bob)


def test_a_key_with_the_same_name_and_other_bytes_opens_nothing(tenant, settings):
    store_secret(**place(tenant), value="x")
    settings.HUB_ENCRYPTION_KEYS = (("old", b"p" * 32),)
    with pytest.raises(SecretLost, match="Enter it again"):
        open_secret(**place(tenant))
    assert reseal_all() == 0
