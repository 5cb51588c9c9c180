import pytest
from django.test import override_settings

from orders.integrations.channels import channels
from orders.models import Destination
from tests.orders.fake_channel import FakeChannel


@pytest.fixture
def fake_channel():
    """The one delivery channel there is; its partner answers what the test says."""
    FakeChannel.reset()
    channels.cache_clear()
    with override_settings(DELIVERY_CHANNELS={"fake": "tests.orders.fake_channel.FakeChannel"}):
        yield
    channels.cache_clear()


@pytest.fixture
def beans(engine, fake_channel):
    return Destination.objects.create(tenant=engine.tenant, channel="fake", name="beans")
