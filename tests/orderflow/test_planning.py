"""Planning with the database: what is remembered, reserved and superseded."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orderflow.imports.planner import ImportPlanner
from orderflow.models import WarehouseOrder
from orders.integrations.channels import NotRequired
from orders.models import Tenant
from orders.values.order_key import OrderKey
from tests.orderflow.conftest import an_order, fates, place

pytestmark = pytest.mark.both


def kinds(due):
    return [[getattr(one, "kind", None) for one in line] for line in due]


def test_the_first_order_requires_an_import_and_reserves_its_reference(book, add_channel):
    channel = add_channel()
    ((owed,),) = book.apply(an_order())
    assert (owed.kind, owed.reference, owed.destination_id) == ("import", "1001", channel.destination_id)
    assert (place().reference, place().owed, place().state) == ("1001", "import", "absent")


def test_a_tenant_without_channels_requires_nothing_and_costs_one_query(book, tenant):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        planner = ImportPlanner(tenant, [OrderKey(tenant.pk, "s", "1")])
        assert list(planner.plan(book.change(an_order(), unit="s"))) == []
        planner.save()
    assert len(queries) == 1


def test_another_tenants_channel_is_not_asked(book, add_channel):
    add_channel(of=Tenant.objects.create(slug="bolt", name="Bolt", mode="events"))
    assert book.apply(an_order()) == [[]]


def test_only_orders_of_the_channels_business_units_and_items_are_required(book, add_channel):
    add_channel(business_units=["store-1"], item_patterns=["BEAN-?", "TEA*"])
    assert kinds(book.apply(an_order(("BEAN-1", 1)))) == [["import"]]
    assert kinds(book.apply(an_order(("BEAN-10", 1), order_id="2"))) == [[None]]
    assert kinds(book.apply(an_order(("bean-1", 1), order_id="3"))) == [[None]]
    (line,) = book.apply(an_order(("TEA", 1), order_id="4"), unit="store-2")
    assert line[0].because == "the channel does not take orders of store-2"


def test_a_pattern_with_brackets_means_them(book, add_channel):
    add_channel(item_patterns=["[AB]*"])
    assert kinds(book.apply(an_order(("A1", 1)))) == [[None]]
    assert kinds(book.apply(an_order(("[AB]1", 1), order_id="2"))) == [["import"]]


def test_a_status_alone_requires_nothing_also_long_after_reception(book, add_channel):
    """Without placedDateTime the first reception stands for it, not that of each change."""
    add_channel()
    book.apply(an_order())
    WarehouseOrder.objects.update(first_received_at="2026-01-01T00:00:00Z")
    book.apply(an_order(("A", 3)))
    ((nothing,),) = book.apply(an_order(("A", 3), status="IN_PROGRESS"))
    assert isinstance(nothing, NotRequired)
    assert nothing.because == "the import would be the same as the last one"


def test_a_member_the_warehouse_does_not_get_requires_nothing(book, add_channel):
    add_channel()
    book.apply(an_order())
    assert kinds(book.apply(an_order(isLocked=True, customerId="c-2"))) == [[None]]


def test_changes_within_one_batch_are_one_delivery_that_goes(book, add_channel):
    add_channel()
    due = book.apply(
        an_order(("A", 1)), an_order(("A", 2)), an_order(("A", 2), status="IN_PROGRESS"), an_order(("A", 3))
    )
    assert kinds(due) == [["import"], ["import"], [None], ["import"]]
    assert fates() == [("import", "superseded"), ("import", "superseded"), ("import", "pending")]


def test_unsent_changes_of_later_batches_are_one_too(book, add_channel):
    add_channel()
    book.apply(an_order(("A", 1)))
    book.apply(an_order(("A", 2)))
    book.apply(an_order(("A", 2), status="CANCELLED"))
    assert fates() == [("import", "superseded"), ("import", "superseded"), ("cancel", "pending")]


def test_a_second_order_with_the_same_reference_gets_none(book, add_channel):
    add_channel()
    book.apply(an_order(), unit="store-1")
    book.apply(an_order(), unit="store-2")
    assert place(unit="store-1").reference == "1001"
    assert place(unit="store-2").reference is None


def test_of_two_in_one_batch_one_gets_the_reference(book, tenant, add_channel):
    add_channel()
    changes = [book.change(an_order(), unit=unit) for unit in ("store-1", "store-2")]
    planner = ImportPlanner(tenant, [change.key for change in changes])
    for change in changes:
        list(planner.plan(change))
    planner.save()
    assert sorted(row.reference or "" for row in WarehouseOrder.objects.all()) == ["", "1001"]


def test_a_pattern_with_the_business_unit_keeps_orders_apart(book, add_channel):
    add_channel(reference="{businessUnitId}/{customerOrderId}")
    book.apply(an_order(), unit="store-1")
    book.apply(an_order(order_id="{businessUnitId}"), unit="{customerOrderId}")
    assert place().reference == "store-1/1001"
    assert place("{businessUnitId}", unit="{customerOrderId}").reference == "{customerOrderId}/{businessUnitId}"


def test_a_reference_too_long_for_the_warehouse_is_not_reserved(book, add_channel):
    add_channel()
    assert kinds(book.apply(an_order(order_id="x" * 121))) == [["import"]]
    assert place("x" * 121).reference is None


def test_two_channels_reserve_the_same_reference_each(book, add_channel):
    add_channel("one")
    add_channel("two")
    assert kinds(book.apply(an_order())) == [["import", "import"]]
    assert list(WarehouseOrder.objects.values_list("reference", flat=True)) == ["1001", "1001"]


def test_an_order_that_cannot_be_sent_is_planned_so_that_a_person_sees_why(book, add_channel):
    add_channel(require_delivery_address=True)
    assert kinds(book.apply(an_order())) == [["import"]]
    assert kinds(book.apply(an_order(status="IN_PROGRESS"))) == [[None]]


def test_planning_a_batch_costs_the_same_few_queries_however_long_it_is(book, tenant, add_channel):
    add_channel()

    def queries(ids):
        changes = [book.change(an_order(order_id=one), unit="s") for one in ids]
        with CaptureQueriesContext(connection) as seen:
            planner = ImportPlanner(tenant, [change.key for change in changes])
            for change in changes:
                list(planner.plan(change))
            planner.save()
        return len(seen)

    assert queries(["a"]) == queries([f"b{n}" for n in range(20)])
