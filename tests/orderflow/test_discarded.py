"""What becomes of an order whose refused import a person discarded."""

import pytest

from orderflow.models import OrderFlowChannel
from orders.dead_letters import dead_deliveries
from orders.models import Delivery
from tests.orderflow.conftest import an_order, deliver, fates, held, place

pytestmark = [pytest.mark.both, pytest.mark.django_db]


@pytest.fixture
def refused(site, add_channel, book):
    add_channel(base_url=site.base_url, import_missing_products=False)
    book.apply(an_order(("NONE", 1)))
    deliver()
    assert fates() == [("import", "dead")]
    assert "No product found" in place().failure
    dead_deliveries.discard(Delivery.objects.get(), who="ada", reason="keyed in by hand")


def test_a_discarded_refusal_is_not_listed_as_refused_any_more(refused):
    assert (fates(), place().failure) == ([("import", "discarded")], "")


def test_a_status_alone_does_not_send_what_was_discarded(refused, site, book):
    book.apply(an_order(("NONE", 1), status="ACCEPTED"))
    deliver()
    assert (fates(), held(site)) == ([("import", "discarded")], {})


def test_the_next_change_of_the_document_is_imported(refused, site, book):
    OrderFlowChannel.objects.update(import_missing_products=True)
    book.apply(an_order(("A", 3)))
    deliver()
    assert fates() == [("import", "discarded"), ("import", "delivered")]
    assert held(site) == {"1001": {"A": 3}}
