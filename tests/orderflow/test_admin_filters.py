"""What the filters of the warehouse's lists offer to whom."""

import pytest
from django.urls import reverse

from orders.access.staff import OPERATOR, TENANT_ADMIN, give_role
from orders.models import Tenant

pytestmark = pytest.mark.django_db
LISTS = pytest.mark.parametrize("name", ["product", "warehouseorder", "despatch"])


@pytest.fixture
def channels(add_channel):
    """Two channels of the tenant and one of another."""
    bolt = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    for name in ("acme-main", "acme-spare"):
        add_channel(name)
    add_channel("bolt-secret", of=bolt)


def offered(client, name):
    answer = client.get(reverse(f"admin:orderflow_{name}_changelist"))
    (spec,) = [one for one in answer.context["cl"].filter_specs if "channel" in one.title.lower()]
    return {str(title) for _, title in spec.lookup_choices}


@LISTS
def test_a_tenants_admin_is_offered_its_own_channels_only(client, tenant, channels, name):
    client.force_login(give_role("tom", role=TENANT_ADMIN, tenant=tenant, password="pass-of-tom-1").user)
    assert offered(client, name) == {"acme-main", "acme-spare"}


@LISTS
def test_an_operator_is_offered_the_channels_of_every_tenant(client, channels, name):
    client.force_login(give_role("ann", role=OPERATOR, password="pass-of-ann-1").user)
    assert offered(client, name) == {"acme-main", "acme-spare", "bolt-secret"}
