import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from orderflow.catalogue.products import put_products
from orderflow.models import Despatch, DespatchPoll, Product, WarehouseOrder
from orderflow.site.credentials import password_of
from orders.access.staff import give_role
from orders.documents import render
from orders.models import Delivery, Destination, Order, OrderQueue, TimelineEntry
from tests.admin_fixtures import agreed
from tests.orderflow.conftest import an_order, deliver, fates, held, place

pytestmark = pytest.mark.django_db
MODELS = ["orderflowchannel", "product", "warehouseorder", "despatch"]


@pytest.fixture
def staff(client):
    client.force_login(get_user_model().objects.create_superuser("ops", password="x"))
    return client


@pytest.fixture
def channel(book, add_channel):
    channel = add_channel(password="canary-password")
    put_products(channel, {"A": {"description": "Green"}})
    book.apply(an_order())
    Despatch.objects.create(
        channel=channel, reference="S-1", order_reference="1001", completed_at=timezone.now(),
        tracking_url="https://track.example.com/1",
    )  # fmt: skip
    return channel


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens_and_can_be_searched(staff, channel, model):
    path = reverse(f"admin:orderflow_{model}_changelist")
    for query in (
        {},
        {"q": "1001"},
        {"q": "it's"},
        {"refused": "yes"} if model in ("product", "warehouseorder") else {},
    ):
        assert staff.get(path, query).status_code == 200


def test_evidence_is_read_only(staff, channel):
    for row in (Despatch.objects.get(), WarehouseOrder.objects.get()):
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
    assert agreed(staff, path, form(channel, batch_size="7")).status_code == 302
    channel.refresh_from_db()
    assert (channel.batch_size, password_of(channel)) == (7, "canary-password")


def test_a_new_password_resumes_a_channel_that_stopped(staff, channel):
    Destination.objects.update(state="stopped", state_reason="refused")
    path = reverse("admin:orderflow_orderflowchannel_change", args=[channel.pk])
    assert agreed(staff, path, form(channel, password="new one")).status_code == 302
    assert password_of(channel) == "new one"
    assert Destination.objects.get().state == "running"


def test_a_reference_that_does_not_tell_orders_apart_is_refused(staff, channel):
    path = reverse("admin:orderflow_orderflowchannel_change", args=[channel.pk])
    assert b"into the reference pattern" in staff.post(path, form(channel, reference="fixed")).content
    channel.refresh_from_db()
    assert channel.reference == "{customerOrderId}"


def page(name, *arguments):
    return reverse(f"admin:orderflow_{name}", args=arguments)


def said(response):
    return [str(message) for message in response.context["messages"]]


def test_a_product_edited_in_the_admin_is_sent_to_the_warehouse(staff, channel):
    row = Product.objects.get()
    shown = staff.get(page("product_change", row.pk)).content.decode()
    assert 'name="description" value="Green"' in shown
    form = {"description": "Blue", "weight": "0", "colour": ""}
    assert staff.post(page("product_change", row.pk), form).status_code == 302
    stored = Product.objects.get()
    assert stored.properties == {"externalReference": "A", "description": "Blue", "weight": "0"}
    assert Delivery.objects.filter(kind="product").values_list("status", flat=True).count() == 2


def test_a_product_is_added_in_the_admin_and_its_faults_stand_at_their_fields(staff, channel):
    form = {"channel": channel.pk, "sku": "N", "description": "New", "weight": "1,5"}
    refused = staff.post(page("product_add"), form)
    assert "must be a number" in str(refused.context["adminform"].form.errors["weight"])
    assert staff.post(page("product_add"), form | {"weight": "1.5"}).status_code == 302
    assert Product.objects.get(sku="N").properties["weight"] == "1.5"
    taken = staff.post(page("product_add"), form | {"weight": "2"})
    assert taken.status_code == 200


def test_a_catalogue_goes_out_and_comes_in_as_a_file(staff, channel):
    for form in ("csv", "xlsx"):
        sent = staff.get(f"/admin/orderflow/product/export-{form}/")
        assert sent.status_code == 200
        assert sent["Content-Disposition"] == f'attachment; filename="products.{form}"'
        for verb, word in (("trial", b"would be"), ("store", b"are sent to the warehouse")):
            file = SimpleUploadedFile(f"products.{form}", sent.content)
            answer = staff.post("/admin/orderflow/product/import/", {"file": file, verb: "1"})
            assert word in answer.content
    bad = SimpleUploadedFile("products.csv", b"channel,sku,description,weight\nacme/main,B,d,heavy\n")
    answer = staff.post("/admin/orderflow/product/import/", {"file": bad, "store": "1"})
    assert b"must be a number" in answer.content
    strange = SimpleUploadedFile("products.exe", b"MZ")
    assert b"Choose a .csv or .xlsx" in staff.post("/admin/orderflow/product/import/", {"file": strange}).content
    assert Product.objects.count() == 1


def test_only_operators_change_products(client, channel, tenant):
    for role, tenants, status in (("support", None, 403), ("tenant-admin", tenant, 403), ("operator", None, 200)):
        client.force_login(give_role(f"a-{role}", role=role, tenant=tenants, password="pass-of-staff").user)
        assert client.get("/admin/orderflow/product/import/").status_code == status
        assert client.get(page("product_add")).status_code == status
        assert client.get("/admin/orderflow/product/export-csv/").status_code == 200


def test_stock_is_asked_for_on_demand(staff, site, channel):
    channel.base_url = site.base_url
    channel.save()
    from orderflow.site.credentials import store_password

    store_password(channel, "pässword")
    put_products(channel, {"B": {"description": "Blue"}})
    site.site.add_product("A")
    site.site.stock["A"] = 7
    asked = {"action": "ask_stock", "_selected_action": [row.pk for row in Product.objects.all()]}
    answer = staff.post(page("product_changelist"), asked, follow=True)
    assert said(answer) == [
        "main has of A: 7 available, 7 altogether, 0 allocated to orders.", "main knows no product B.",
    ]  # fmt: skip


@pytest.fixture
def refused(site, add_channel, book, tenant):
    """An order of an unknown courier, one that was imported, both stored."""
    channel = add_channel(base_url=site.base_url, properties={"shipment.courier": "ref:courier:NOBODY"})
    put_products(channel, {"A": {"description": "Green"}})
    book.apply(an_order())
    store(tenant, an_order())
    deliver()
    assert fates() == [("import", "dead")]
    channel.properties = {}
    channel.save()
    return channel


def store(tenant, document, unit="store-1"):
    key = {"tenant": tenant, "business_unit_id": unit, "customer_order_id": document["customerOrderId"]}
    return Order.objects.create(
        queue=OrderQueue.objects.get(**key), **key,
        customer_id=document["customerId"], status=document["status"], document=render(document).decode(),
        applied_sequence=1, received_at=timezone.now(), updated_at=timezone.now(),
    )  # fmt: skip


def test_a_failed_import_is_listed_with_property_value_and_correction(staff, refused):
    listed = staff.get(page("warehouseorder_changelist"), {"refused": "yes"}).content.decode()
    for word in ("shipment.courier", "ref:courier:NOBODY", "Create the courier NOBODY in OrderFlow"):
        assert word in listed


def test_only_the_failed_ones_are_sent_again_after_a_preview(staff, site, refused, book):
    book.apply(an_order(order_id="1002"))
    deliver()
    rows = [row.pk for row in WarehouseOrder.objects.all()]
    asked = {"action": "send_failed_again", "_selected_action": rows}
    preview = staff.post(page("warehouseorder_changelist"), asked)
    (line,) = preview.context["lines"]
    assert (line.outcome, preview.context["done"]) == ("would_apply", False)
    assert fates() == [("import", "dead")]
    does = {"action": "retry_dead", "_selected_action": [line.name], "apply": "1", "reason": "courier corrected"}
    staff.post(reverse("admin:orders_delivery_changelist"), does)
    deliver()
    assert fates() == [("import", "delivered")]
    assert held(site) == {"1001": {"A": 2}, "1002": {"A": 2}}
    assert place().failure == ""


def test_the_dry_run_is_a_button_on_the_orders_page_and_sends_nothing(staff, site, refused):
    site.forget()
    order = Order.objects.get()
    shown = staff.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    url = shown.split('href="/admin/orderflow/warehouseorder/warehouses/')[1].partition('"')[0].replace("&amp;", "&")
    answer = staff.get(f"/admin/orderflow/warehouseorder/warehouses/{url}")
    text = answer.content.decode()
    taken = "1 line(s) are of items that this warehouse takes"
    for words in ("Nothing is sent", taken, "orderLine.1.quantity=2", "The reference 1001 is reserved"):
        assert words in text
    assert site.calls == []


def test_what_a_warehouse_holds_is_asked_on_demand_and_stands_on_the_timeline(staff, site, channel_of_site):
    page_of = f"/admin/orderflow/warehouseorder/warehouses/?tenant={channel_of_site}&unit=store-1&order=1001"
    staff.get(page_of)
    assert not TimelineEntry.objects.exists()
    text = staff.post(page_of, {"ask": "1"}).content.decode()
    assert "main: It holds 2 x A, state created." in text
    entry = TimelineEntry.objects.get()
    assert (entry.what, entry.detail) == ("main was asked for 1001", "It holds 2 x A, state created.")


@pytest.fixture
def channel_of_site(site, warehouse, book, tenant):
    put_products(warehouse, {"A": {"description": "Green"}})
    book.apply(an_order())
    store(tenant, an_order())
    deliver()
    return tenant.pk


def test_another_tenants_order_is_not_shown_to_a_tenant_admin(client, channel_of_site):
    from orders.models import Tenant

    other = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    client.force_login(give_role("b", role="tenant-admin", tenant=other, password="pass-of-staff").user)
    path = f"/admin/orderflow/warehouseorder/warehouses/?tenant={channel_of_site}&unit=store-1&order=1001"
    assert client.get(path).status_code == 404
    for query in ("", "?tenant=x", f"?tenant={'9' * 30}", f"?tenant={channel_of_site}&unit=%00&order=%00"):
        assert client.get("/admin/orderflow/warehouseorder/warehouses/" + query).status_code == 404


def test_a_line_of_a_supplier_and_a_warehouse_is_warned_of(staff, channel_of_site, warehouse):
    from suppliers.models import Supplier

    order = Order.objects.get()
    path = reverse("admin:orders_order_change", args=[order.pk])
    assert b"A goes to" not in staff.get(path).content
    Supplier.objects.create(tenant_id=channel_of_site, slug="beans", name="Beans Ltd", item_patterns=["A*"])
    assert b"A goes to supplier Beans Ltd and to warehouse main" in staff.get(path).content
    shown = staff.get(reverse("admin:orderflow_orderflowchannel_change", args=[warehouse.pk])).content
    assert b"Some items also go to supplier Beans Ltd (A*)" in shown


def test_the_channels_page_tells_how_the_asking_for_despatches_goes(staff, channel):
    path = reverse("admin:orderflow_orderflowchannel_change", args=[channel.pk])
    assert b"Not read: the channel has no interval for it." in staff.get(path).content
    channel.poll_despatches_seconds = 60
    channel.save()
    poll = DespatchPoll.objects.create(channel=channel, due_at=timezone.now(), answered_at=timezone.now())
    assert b"Last read" in staff.get(path).content
    DespatchPoll.objects.filter(pk=poll.pk).update(failure="It is away.", failing_since=timezone.now())
    assert b"It is away." in staff.get(path).content
