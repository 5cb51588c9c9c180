"""Secrets at rest open only for their tenant, kind and row, and only with a key of the ring."""

import pytest

from orders.access.sealing import SecretLost, delete_secret, open_secret, reseal_all, store_secret
from orders.models import Secret, Tenant

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
    with pytest.raises(SecretLost, match=r"proxy_password of proxy.proxyconfig:1 .*'old'.* Enter it again"):
        open_secret(**place(tenant))
