"""OrderFlow channels in the onboarding file: all settings, secrets kept, products owed."""

import pytest

from orderflow.models import OrderFlowChannel, Product
from orderflow.site.credentials import password_of
from orders.integrations.onboarding_faults import FileRefused
from orders.models import Delivery, Destination, Tenant
from orders.onboarding.files import apply_file, export_tenant

pytestmark = [pytest.mark.both, pytest.mark.django_db]

HEAD = "tenants:\n  - id: acme\n    name: Acme\n    mode: events\n    orderflow_channels:\n"
LEAST = (
    "      - id: main\n        base_url: https://wms.example/rtd2-host/\n        channel: MYCHANNEL\n"
    "        auth: {type: headers, username: philz, password: s3cret}\n"
)


def apply(text, *, dry_run=False):
    return apply_file(text.encode(), file="acme.yaml", who="test", dry_run=dry_run)


def refusal(text):
    with pytest.raises(FileRefused) as refused:
        apply(text)
    return str(refused.value)


def channel():
    return OrderFlowChannel.objects.select_related("destination__tenant").get()


def test_the_least_channel_has_every_default_of_the_contract():
    apply(HEAD + LEAST)
    row = channel()
    assert (row.base_url, row.channel, row.organisation) == ("https://wms.example/rtd2-host", "MYCHANNEL", "")
    assert (row.auth_type, row.username, password_of(row)) == ("headers", "philz", "s3cret")
    assert (row.reference, row.business_units, row.item_patterns) == ("{customerOrderId}", None, ["*"])
    assert row.order_path == row.product_path == "/remoteorder/imports/importitems.xml"
    assert (row.product_header, row.product_scope, row.require_delivery_address) == ("channel", "channel", False)
    assert (row.batch_size, row.time_zone, row.currency_units) == (100, "Europe/London", "pounds")
    assert (row.import_missing_products, row.on_update, row.on_cancel) == (True, "reimport", "cancel")
    assert (row.poll_despatches_seconds, row.properties) == (None, {})
    assert (row.destination.name, row.destination.channel, row.destination.active) == ("main", "orderflow", True)


FULL = """      - id: main
        active: false
        base_url: https://wms.example/rtd2-host
        channel: MYCHANNEL
        organisation: altco
        auth: {type: basic, username: philz, password: s3cret}
        reference: "{businessUnitId}-{customerOrderId}"
        business_units: [store-1]
        item_patterns: ["BEAN-*"]
        order_path: /o.xml
        product_path: /remotewarehouse/imports/importitems.xml
        product_header: organisation
        product_scope: global
        require_delivery_address: true
        batch_size: 7
        time_zone: Europe/Copenhagen
        currency_units: pence
        import_missing_products: false
        on_update: ignore
        on_cancel: ignore
        poll_despatches_seconds: 60
        properties: {userDefined1: web}
        products:
          - {externalReference: BEAN-1, description: Green beans, weight: "100", weightUnits: grams, priceNet: 10.5}
"""


def test_every_key_is_stored_and_exported_as_it_was():
    apply(HEAD + FULL)
    before = [*OrderFlowChannel.objects.values(), *Product.objects.values("sku", "properties", "owed_digest")]
    assert before[1]["properties"] == {
        "externalReference": "BEAN-1", "description": "Green beans", "weight": "100", "weightUnits": "grams",
        "priceNet": "10.5",
    }  # fmt: skip
    report = apply(export_tenant(Tenant.objects.get()))
    assert report.counts["created"] == report.counts["changed"] == 0
    assert password_of(channel()) == "s3cret"
    assert [*OrderFlowChannel.objects.values(), *Product.objects.values("sku", "properties", "owed_digest")] == before


def test_an_export_never_holds_the_password():
    apply(HEAD + LEAST)
    assert "s3cret" not in export_tenant(Tenant.objects.get())


@pytest.mark.parametrize("password", ['password: "********"', ""])
def test_a_masked_or_absent_password_keeps_what_is_stored(password):
    apply(HEAD + LEAST)
    apply(HEAD + LEAST.replace("password: s3cret", password).replace("philz, }", "philz}"))
    assert password_of(channel()) == "s3cret"


@pytest.mark.parametrize("password", [', password: "********"', ""])
def test_a_stored_password_is_not_kept_for_another_host(password):
    apply(HEAD + LEAST)
    before = channel().base_url
    there = (HEAD + LEAST).replace(before, "https://thief.example/rtd2-host")
    with pytest.raises(FileRefused, match=r"auth\.password: must be entered again: the stored secret would otherwise"):
        apply(there.replace(", password: s3cret", password))
    assert (channel().base_url, password_of(channel())) == (before, "s3cret")
    apply((HEAD + LEAST).replace(before, f"{before}/2").replace(", password: s3cret", password))
    apply(there.replace("s3cret", "n3w"))
    assert (channel().base_url, password_of(channel())) == ("https://thief.example/rtd2-host", "n3w")


def test_a_new_channel_without_a_password_gets_one_that_is_shown_once():
    report = apply(HEAD + LEAST.replace(", password: s3cret", ""))
    ((what, name, value),) = report.secrets
    assert (what, name, password_of(channel())) == ("OrderFlow channel acme/main", "auth.password", value)


def test_an_absent_key_means_its_default_again_and_absent_products_stay():
    apply(HEAD + FULL)
    apply(HEAD + LEAST)
    assert (channel().batch_size, channel().properties, channel().destination.active) == (100, {}, True)
    assert Product.objects.get().sku == "BEAN-1"


def test_products_are_sent_once_and_again_when_changed():
    apply(HEAD + FULL)
    assert list(Delivery.objects.values_list("kind", "reference", "lane__key")) == [
        ("product", "BEAN-1", "product:BEAN-1")
    ]
    apply(HEAD + FULL)
    assert Delivery.objects.count() == 1
    apply(HEAD + FULL.replace("Green", "Red"))
    assert list(Delivery.objects.order_by("position").values_list("status", flat=True)) == ["superseded", "pending"]


def test_a_dry_run_stores_nothing():
    apply(HEAD + FULL, dry_run=True)
    assert not OrderFlowChannel.objects.exists()
    assert not Delivery.objects.exists()


def test_a_corrected_credential_resumes_a_stopped_channel():
    apply(HEAD + LEAST)
    Destination.objects.update(state="stopped", state_reason="OrderFlow refused user philz")
    apply(HEAD + LEAST)
    assert Destination.objects.get().state == "stopped"
    apply(HEAD + LEAST.replace("s3cret", "corrected"))
    assert Destination.objects.get().state == "running"


def test_a_new_address_closes_an_open_breaker():
    apply(HEAD + LEAST)
    Destination.objects.update(open_seconds=300, failures=10)
    apply(HEAD + LEAST)
    assert Destination.objects.get().open_seconds == 300
    apply(HEAD + LEAST.replace("wms.example", "new.wms.example"))
    assert (Destination.objects.get().open_seconds, Destination.objects.get().failures) == (None, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LEAST.replace("channel: MYCHANNEL\n", "chanel: X\n"), "orderflow_channels[0].chanel: is not a known key"),
        (LEAST.replace("        channel: MYCHANNEL\n", ""), "orderflow_channels[0].channel: is required"),
        (LEAST.replace("headers", "digest"), "auth.type: must be 'headers' or 'basic'"),
        (LEAST.replace("https://wms.example/rtd2-host/", "wms"), "base_url: must be an http(s) URL"),
        (LEAST + "        reference: fixed\n", "reference: must differ between orders"),
        (LEAST + "        batch_size: 0\n", "batch_size: "),
        (LEAST + "        time_zone: Mars/North\n", "time_zone: must be a time zone"),
        (LEAST + "        product_scope: organisation\n", "needs the key organisation"),
        (LEAST + "        order_path: o.xml\n", "order_path: must be a path"),
        (LEAST + "        properties: {orderLine.1.quantity: '1'}\n", "may not set orderLine.1.quantity"),
        (LEAST + "        properties: {a=b: '1'}\n", "is not the name of an OrderFlow property"),
        (LEAST + "        products: [{description: x}]\n", "products[0]: needs the text externalReference"),
        (LEAST + "        products: [{externalReference: A, description: x, wieght: 1}]\n", "'wieght', which is no"),
        (LEAST + "        products: [{externalReference: A, description: x, weight: heavy}]\n", "weight: is “heavy”"),
        (LEAST + "        products: [{externalReference: A}]\n", "description: is missing"),
        (LEAST + LEAST, "names the channel 'main' twice"),
    ],
)
def test_a_fault_is_named_with_its_key_and_nothing_is_stored(text, words):
    assert words in refusal(HEAD + text)
    assert not OrderFlowChannel.objects.exists()


def test_stored_products_are_sent_again_when_the_file_changes_whose_they_are():
    products = "        products: [{externalReference: A, description: Green}]\n"
    apply(HEAD + LEAST + products)
    apply(HEAD + LEAST + "        batch_size: 7\n")
    assert Delivery.objects.filter(kind="product").count() == 1
    apply(HEAD + LEAST + "        product_scope: global\n")
    assert list(Delivery.objects.order_by("position").values_list("kind", "status")) == [
        ("product", "superseded"), ("product", "pending"),
    ]  # fmt: skip
