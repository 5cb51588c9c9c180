"""Products against a real site on loopback: imported in one document, merged, fetched in where an order needs one."""

import pytest

from orderflow.catalogue.products import put_products
from orderflow.models import Product
from orders.models import Delivery
from tests.orderflow.conftest import an_order, deliver, deliver_once, error, fates, held, place, posts

pytestmark = pytest.mark.both


def test_products_are_imported_in_one_document_and_each_is_done(site, warehouse):
    assert put_products(warehouse, {"A": {"description": "Green"}, "B": {"description": "Red"}}) == ["A", "B"]
    deliver()
    (call,) = posts(site)
    assert call.body.count(b'<import type="product" operation="insert"') == 2
    assert {row.sku: row.held_digest == row.owed_digest for row in Product.objects.all()} == {"A": True, "B": True}
    assert set(Delivery.objects.values_list("kind", "status")) == {("product", "delivered")}


def test_an_unchanged_product_is_not_sent_again_and_a_changed_one_is_merged(site, warehouse):
    put_products(warehouse, {"A": {"description": "Green"}, "B": {"description": "Red"}})
    deliver()
    assert put_products(warehouse, {"A": {"description": "Green"}, "B": {"description": "Blue"}}) == ["B"]
    deliver()
    assert b'operation="merge" externalReference="B"' in posts(site)[1].body


def test_a_product_the_warehouse_has_already_is_merged(site, warehouse):
    put_products(warehouse, {"A": {"description": "Green"}})
    deliver()
    Product.objects.all().delete()
    put_products(warehouse, {"A": {"description": "Blue"}})
    deliver()
    assert [call.body.count(b'"merge"') for call in posts(site)] == [0, 0, 1]
    assert Product.objects.get().held_digest


def test_unsent_changes_of_a_product_are_one(site, warehouse):
    put_products(warehouse, {"A": {"description": "Green"}})
    put_products(warehouse, {"A": {"description": "Blue"}})
    deliver()
    assert len(posts(site)) == 1
    assert b"description=Blue" in posts(site)[0].body


def test_products_may_go_by_organisation_to_another_path(site, add_channel):
    channel = add_channel(
        base_url=site.base_url,
        organisation="altco",
        product_header="organisation",
        product_scope="organisation",
        product_path="/remotewarehouse/imports/importitems.xml",
    )
    put_products(channel, {"A": {"description": "Green"}})
    deliver()
    (call,) = posts(site)
    assert (call.target, call.header("organisation"), call.header("channel")) == (
        "/rtd2-host/remotewarehouse/imports/importitems.xml",
        "altco",
        "",
    )
    assert b"organisation=altco" in call.body
    assert Product.objects.get().held_digest


def test_a_missing_product_is_imported_from_the_order_line_and_the_order_once_more(site, stocked, book):
    order = an_order(("NEW", 1))
    order["items"][0]["itemName"] = "Brand new"
    book.apply(order, an_order(order_id="other"))
    deliver_once()
    bodies = [call.body for call in posts(site)]
    assert [body.count(b'type="product"') for body in bodies] == [0, 1, 0]
    assert b"description=Brand new" in bodies[1]
    assert [body.count(b'type="order"') for body in bodies] == [2, 0, 1]
    assert held(site) == {"1001": {"NEW": 1}, "other": {"A": 2}}
    assert fates() == [("import", "delivered")]


def test_several_missing_products_of_one_order_are_imported_one_after_the_other(site, stocked, book):
    book.apply(an_order(("N1", 1), ("N2", 1)))
    deliver_once()
    assert held(site) == {"1001": {"N1": 1, "N2": 1}}


def test_a_missing_product_is_a_refusal_where_the_channel_may_not_import_it(site, stocked, book):
    stocked.import_missing_products = False
    stocked.save()
    book.apply(an_order(("NEW", 1)))
    deliver()
    assert len(posts(site)) == 1
    assert fates() == [("import", "dead")]
    assert error().startswith("OrderFlow refused it: No product found for external reference: NEW.")
    assert error().endswith("Import and activate the product NEW in OrderFlow, then retry.")
    assert place().state == "absent"


def test_a_product_that_stays_unknown_is_tried_once(site, stocked, book):
    product = {"description": "x", "activated": False}
    put_products(stocked, {"DEAD": product})
    deliver()
    site.forget()
    book.apply(an_order(("DEAD", 1)))
    deliver()
    assert len(posts(site)) <= 3
    assert fates() == [("import", "dead")]
