"""The dry run shows what would be sent and every check, and sends nothing."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from orderflow.models import WarehouseOrder
from orders.documents import digest, render
from orders.models import Order, OrderQueue
from tests.orderflow.conftest import an_order

pytestmark = [pytest.mark.both, pytest.mark.django_db]


@pytest.fixture
def store(tenant, book):
    """Keeps an order as the core does, and plans what it owes."""

    def add(document, *, unit="store-1"):
        book.apply(document, unit=unit)
        now = datetime.now(UTC)
        return Order.objects.create(
            queue=OrderQueue.objects.get(business_unit_id=unit, customer_order_id=document["customerOrderId"]),
            tenant=tenant, business_unit_id=unit, customer_order_id=document["customerOrderId"], customer_id="c",
            status=document["status"], document=render(document).decode(), digest=digest(document),
            applied_sequence=1, received_at=now, updated_at=now,
        )  # fmt: skip

    return add


def preview(*arguments):
    out = StringIO()
    call_command("orderflow", "preview", *arguments, stdout=out)
    return out.getvalue()


def test_a_sendable_order_is_shown_as_its_exact_document(add_channel, store):
    add_channel()
    store(an_order())
    shown = preview("1001")
    assert "✓ The reference 1001 is reserved for this order." in shown
    assert '<import type="order" operation="insert" externalReference="1001">' in shown
    assert "orderLine.1.quantity=2" in shown


def test_what_stands_in_the_way_is_marked(add_channel, store):
    add_channel(require_delivery_address=True)
    store(an_order())
    out = StringIO()
    with pytest.raises(CommandError, match="see the lines marked"):
        call_command("orderflow", "preview", "1001", stdout=out)
    assert "✕ deliveryAddress: is missing" in out.getvalue()
    assert "<imports>" not in out.getvalue()


def test_an_order_that_the_warehouse_refused_is_marked_with_its_words(add_channel, store):
    add_channel()
    store(an_order())
    WarehouseOrder.objects.update(failure="No product found for external reference: BEAN-1.")
    out = StringIO()
    with pytest.raises(CommandError, match="see the lines marked"):
        call_command("orderflow", "preview", "1001", stdout=out)
    assert "✕ The last import of it failed, and a retry may fail again: No product found" in out.getvalue()
    assert "orderLine.1.quantity=2" in out.getvalue()


def test_a_used_reference_is_marked_with_the_order_that_has_it(add_channel, store):
    add_channel()
    store(an_order(), unit="store-1")
    store(an_order(), unit="store-2")
    with pytest.raises(CommandError, match="Several orders"):
        preview("1001")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("orderflow", "preview", "1001", "--business-unit", "store-2", stdout=out)
    assert "✕ The reference 1001 is used by order 1001 of store-1" in out.getvalue()


def test_an_unknown_order_is_said_so(tenant):
    with pytest.raises(CommandError, match="There is no order 7"):
        preview("7")
