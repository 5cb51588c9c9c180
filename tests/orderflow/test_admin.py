import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from orderflow.catalogue import put_products
from orderflow.credentials import password_of
from orderflow.models import Product, WarehouseOrder
from orders.models import Destination
from tests.orderflow.conftest import an_order

pytestmark = pytest.mark.django_db
MODELS = ["orderflowchannel", "product", "warehouseorder"]


@pytest.fixture
def staff(client):
    client.force_login(get_user_model().objects.create_superuser("ops", password="x"))
    return client


@pytest.fixture
def channel(book, add_channel):
    channel = add_channel(password="canary-password")
    put_products(channel, {"A": {"description": "Green"}})
    book.apply(an_order())
    return channel


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens_and_can_be_searched(staff, channel, model):
    path = reverse(f"admin:orderflow_{model}_changelist")
    for query in ({}, {"q": "1001"}, {"q": "it's"}, {"refused": "yes"} if model != "orderflowchannel" else {}):
        assert staff.get(path, query).status_code == 200


def test_evidence_is_read_only(staff, channel):
    for row in (Product.objects.get(), WarehouseOrder.objects.get()):
        model = row._meta.model_name
        path = reverse(f"admin:orderflow_{model}_change", args=[row.pk])
        assert staff.get(path).status_code == 200
        assert staff.post(path, {}).status_code == 403
        assert staff.get(reverse(f"admin:orderflow_{model}_add")).status_code == 403


def form(channel, **changed):
    names = (
        "auth_type",
        "username",
        "reference",
        "time_zone",
        "currency_units",
        "on_update",
        "on_cancel",
        "batch_size",
    )
    return {name: getattr(channel, name) for name in names} | {"password": ""} | changed


def test_the_password_is_never_shown_and_kept_when_left_empty(staff, channel):
    path = reverse("admin:orderflow_orderflowchannel_change", args=[channel.pk])
    assert b"canary-password" not in staff.get(path).content
    assert staff.post(path, form(channel, batch_size="7")).status_code == 302
    channel.refresh_from_db()
    assert (channel.batch_size, password_of(channel)) == (7, "canary-password")


def test_a_new_password_resumes_a_channel_that_stopped(staff, channel):
    Destination.objects.update(state="stopped", state_reason="refused")
    path = reverse("admin:orderflow_orderflowchannel_change", args=[channel.pk])
    assert staff.post(path, form(channel, password="new one")).status_code == 302
    assert password_of(channel) == "new one"
    assert Destination.objects.get().state == "running"


def test_a_reference_that_does_not_tell_orders_apart_is_refused(staff, channel):
    path = reverse("admin:orderflow_orderflowchannel_change", args=[channel.pk])
    assert b"into the reference pattern" in staff.post(path, form(channel, reference="fixed")).content
    channel.refresh_from_db()
    assert channel.reference == "{customerOrderId}"
