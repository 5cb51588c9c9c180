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


# --- moved by whoever can write to the database ----------------------------------------------------------------------


@pytest.fixture
def others(tenant):
    """Secrets of every neighbour: another row, kind and tenant, and the hub's own."""
    other = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    places = [
        place(tenant), place(tenant, owner="proxy.proxyconfig:2"), place(tenant, owner="proxy.proxyconfig:11"),
        place(tenant, kind="webhook_secret"), place(other), place(tenant, tenant_id=None),
    ]  # fmt: skip
    for number, one in enumerate(places):
        store_secret(**one, value=f"secret {number}")
    return places


def swap(one, other):
    """Key id and sealed bytes of one row in the other, and the other way round."""
    first, second = (Secret.objects.get(**where) for where in (one, other))
    for row, source in ((first, second), (second, first)):
        Secret.objects.filter(pk=row.pk).update(key_id=source.key_id, sealed=source.sealed)


def test_no_two_secrets_swapped_between_rows_kinds_and_tenants_open(others):
    for number, one in enumerate(others):
        for other in others[number + 1 :]:
            swap(one, other)
            for where in (one, other):
                with pytest.raises(SecretLost):
                    open_secret(**where)
            swap(one, other)
    assert [open_secret(**one) for one in others] == [f"secret {number}" for number in range(len(others))]


def test_moving_to_a_new_key_binds_again_and_takes_no_swapped_secret_along(others, settings):
    swap(others[0], others[4])
    settings.HUB_ENCRYPTION_KEYS = (NEW, OLD)
    assert reseal_all() == len(others) - 2
    swap(others[1], others[2])
    for where in (others[0], others[4], others[1], others[2]):
        with pytest.raises(SecretLost):
            open_secret(**where)
    swap(others[1], others[2])
    assert [open_secret(**others[number]) for number in (1, 2, 3)] == ["secret 1", "secret 2", "secret 3"]


def test_a_sealed_value_opens_in_no_other_column_or_store(tenant, two_steps):
    """A login's key, a partner's token in Redis and an uploaded file are sealed with the same key of the ring."""
    ada, _ = two_steps
    step = SecondStep.objects.get(user=ada)
    store_secret(**place(tenant), value="x")
    row = Secret.objects.get()
    Secret.objects.update(key_id=step.key_id, sealed=step.sealed)
    SecondStep.objects.filter(pk=step.pk).update(key_id=row.key_id, sealed=row.sealed)
    with pytest.raises(SecretLost):
        open_secret(**place(tenant))
    with pytest.raises(second_step.SecondStepLost):
        second_step.proposed(ada)
    for context in ("partner-token:k", f"onboarding file uploaded by user {ada.pk}", f"second-step|{ada.pk}1", ""):
        with pytest.raises(SecretLost):
            sealing.open_bytes(step.key_id, bytes(step.sealed), context=context)


@pytest.mark.parametrize("change", ["nonce", "text", "tag", "shorter", "nothing left", "key id"])
def test_a_secret_altered_anywhere_does_not_open(tenant, settings, change):
    settings.HUB_ENCRYPTION_KEYS = (OLD, NEW)
    store_secret(**place(tenant), value="correct horse")
    sealed = bytearray(Secret.objects.get().sealed)
    for at in {"nonce": [0], "text": [sealing.NONCE_BYTES], "tag": [-1]}.get(change, []):
        sealed[at] ^= 1
    sealed = {"shorter": sealed[:-1], "nothing left": sealed[:5]}.get(change, sealed)
    Secret.objects.update(sealed=bytes(sealed), key_id="new" if change == "key id" else "old")
    with pytest.raises(SecretLost):
        open_secret(**place(tenant))


def test_no_nonce_is_used_twice_not_even_for_the_same_value(settings):
    settings.HUB_ENCRYPTION_KEYS = (OLD,)
    nonces = {sealing.seal_bytes(b"the same", context="c")[1][: sealing.NONCE_BYTES] for _ in range(5_000)}
    assert len(nonces) == 5_000


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
