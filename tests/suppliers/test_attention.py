"""Orders that a supplier was notified of and has not fetched are a problem that needs attention, with a link."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from suppliers.attention import problems
from suppliers.models import SupplierPart

pytestmark = pytest.mark.django_db


def part(tenant, supplier, order_id, minutes):
    return SupplierPart.objects.create(
        supplier=supplier,
        tenant=tenant,
        business_unit_id="store-1",
        customer_order_id=order_id,
        owed_digest="",
        owed_sequence=1,
        unfetched_since=timezone.now() - timedelta(minutes=minutes),
    )


def test_orders_that_wait_longer_than_the_tenants_limit_are_counted_per_supplier(tenant, add_supplier, client):
    beans = add_supplier("beans", ["BEAN-*"])
    for number, minutes in enumerate((31, 45, 5)):
        part(tenant, beans, str(number), minutes)
    [line] = problems(None)
    assert line.sentence.startswith("Beans of Acme: 2 orders delivered but not fetched for 45 min.")
    client.force_login(User.objects.create_superuser("root"))
    listed = client.get(line.url).content.decode()
    assert listed.count("store-1") == 2
    assert client.get("/admin/").content.decode().count(line.sentence) == 1


def test_another_tenants_orders_are_not_said(tenant, add_supplier):
    part(tenant, add_supplier("beans", ["*"]), "1", 60)
    assert list(problems(tenant.pk + 1)) == []
