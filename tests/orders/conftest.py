import pytest
from django.test import override_settings

from orders.inbox.sources import own_system
from orders.integrations import channels, integrations, sections
from orders.models import Destination
from orders.monitoring.alerting.measures import measures
from orders.onboarding.steps import steps
from orders.tasks import periodic_work
from tests.orders.fake_channel import FakeChannel


@pytest.fixture
def fake_channel():
    """The one delivery channel there is; its partner answers what the test says."""
    FakeChannel.reset()
    with override_settings(INTEGRATIONS=["tests.orders.fake_channel.FakePartner"]):
        forget_integrations()
        yield
    forget_integrations()


def forget_integrations():
    """What is made once from settings.INTEGRATIONS is made anew."""
    for made_once in (integrations, channels, sections, steps, periodic_work, measures, own_system):
        made_once.cache_clear()


@pytest.fixture
def beans(engine, fake_channel):
    return Destination.objects.create(tenant=engine.tenant, channel="fake", name="beans")
