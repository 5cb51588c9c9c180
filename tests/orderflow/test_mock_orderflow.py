"""The simulated OrderFlow site behaves as docs/reference/orderflow.md says a site does, error table included."""

import base64
from pathlib import Path

import pytest
import requests
from lxml import etree

from orderflow.simulator.server import MockOrderFlow

SAMPLE = (Path(__file__).parent / "import-request.xml").read_bytes()
ORDER_PATH = "/remoteorder/imports/importitems.xml"
WAREHOUSE_PATH = "/remotewarehouse/imports/importitems.xml"


@pytest.fixture
def site():
    with MockOrderFlow(channels=["WEBSHOP", "OTHER"], users={"anna": "påss"}) as site:
        yield site


def scope(**changed):
    password = base64.b64encode("påss".encode()).decode()
    headers = {"channel": "WEBSHOP", "user": "anna", "password": password, **changed}
    return {name: value for name, value in headers.items() if value is not None}


def post(site, body, *, path=ORDER_PATH, **headers):
    return requests.post(site.base_url + path, data=body, headers=scope(**headers), timeout=5)


def imports(*items):
    return "<imports>" + "".join(items) + "</imports>"


def order(reference, *lines, operation="insert", **properties):
    names = {name.replace("__", "."): value for name, value in properties.items()}
    for number, (product, quantity) in enumerate(lines or [("BEAN-1", "2")], start=1):
        names[f"orderLine.{number}.product.externalReference"] = product
        names[f"orderLine.{number}.quantity"] = quantity
    text = "\n".join(f"    {name}={value}" for name, value in names.items())
    return f'<import type="order" operation="{operation}" externalReference="{reference}">\n{text}\n</import>'


def product(reference, operation="merge", **properties):
    names = {"description": "Beans", "type": "default", "activated": "true", **properties}
    text = "\n".join(f"{name}={value}" for name, value in names.items())
    return f'<import type="product" operation="{operation}" externalReference="{reference}">{text}</import>'


def results(answer):
    """{section: {reference: message}}"""
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
    root = etree.fromstring(answer.content)
    assert root.tag == "importResult"
    return {
        section.tag.removeprefix("import"): {
            item.get("externalReference"): " ".join((item.findtext("*") or "").split()) for item in section
        }
        for section in root
    }


def take(site, *items, **headers):
    return results(post(site, imports(*items), **headers))


def test_the_published_example_is_imported_whole(site):
    answer = post(site, SAMPLE)
    assert results(answer) == {"Successes": {"BEAN-1": "", "BEAN-2": "", "BEAN-3": ""}, "Failures": {}}
    attributes = dict(etree.fromstring(answer.content)[0][0].items())
    assert attributes.pop("queryTime")
    assert attributes == {
        "type": "product",
        "operation": "insert",
        "externalReference": "BEAN-1",
        "entity": "rtd.domain.database.Product",
        "item": "BEAN-1",
    }
    held = requests.get(f"{site.url}/_state", timeout=5).json()["products"]
    assert [each["scope"] for each in held] == ["channel:WEBSHOP", "organisation:altco", ":"]
    assert held[0]["properties"]["description"] == "Green beans & peas, 1 kg\nfrozen"
    assert held[0]["properties"]["userDefined2"] == ""


def test_some_items_succeed_while_others_fail(site):
    site.site.add_product("BEAN-1")
    assert take(site, order("1"), order("2", ("WRONG", "1")), order("3")) == {
        "Successes": {"1": "", "3": ""},
        "Failures": {
            "2": "No product found for external reference: WRONG. "
            "If this product is present, make sure that it has been activated."
        },
    }
    assert site.site.order("WEBSHOP", "2") is None
    assert site.site.order("WEBSHOP", "1").lines[0].quantity == 2


def test_a_product_is_sold_only_by_its_scope_and_while_active(site):
    take(
        site, product("MINE", channel="WEBSHOP"), product("THEIRS", channel="OTHER"), product("OFF", activated="false")
    )
    found = take(site, order("1", ("MINE", "1")), order("2", ("THEIRS", "1")), order("3", ("OFF", "1")))
    assert (set(found["Successes"]), set(found["Failures"])) == ({"1"}, {"2", "3"})


DUPLICATE = "Duplicate entity in import of order with reference: 1 already exists for the channel"


@pytest.mark.parametrize(("section", "found_in"), [("importDuplicates", "Duplicates"), ("importFailures", "Failures")])
def test_a_reference_is_unique_per_channel(site, section, found_in):
    site.duplicates_section = section
    site.site.add_product("BEAN-1")
    take(site, order("1"))
    assert take(site, order("1", ("BEAN-1", "9")))[found_in] == {"1": DUPLICATE}
    assert take(site, order("2"), order("2"))[found_in] == {"2": DUPLICATE.replace("1", "2")}
    assert site.site.order("WEBSHOP", "1").lines[0].quantity == 2
    assert take(site, order("1"), channel="OTHER")["Successes"] == {"1": ""}


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (order("1", ("BEAN-1", "1.5")), "Failed to convert property value '1.5' for property 'orderLine.1.quantity'"),
        (order("1", ("BEAN-1", "")), "for property 'orderLine.1.quantity'"),
        (order("1", totalPriceGross="19,90"), "for property 'totalPriceGross'"),
        (order("1", orderLine__1__unitPriceGross="NaN"), "for property 'orderLine.1.unitPriceGross'"),
        (order("1", placed="2026-11-20T10:00:00Z"), "for property 'placed'"),
        (order("1", shipment__courier="ref:courier:NOBODY"),
         "Unable to find any entity associated with identifier:ref:courier:NOBODY"),
        (order("1", operation="merge"), "Operation 'merge' of type 'order' is not supported"),
        (order("1", operation="update"), "No order found for external reference: 1"),
        (product("1", weight="1 kg"), "for property 'weight'"),
        (product("1", description=""), "A value is required for property 'description'"),
        (product("1", description="x" * 121), "'description' is longer than 120"),
        (product("1", channel="NOBODY"), "identifier:ref:channel:NOBODY"),
        (product("1", operation="update"), "No product found for external reference: 1"),
        (product("1", externalReference="2"), "the same as the attribute's"),
        ('<import type="product" operation="merge" externalReference="1">no equals</import>', "Expecting name=value"),
        ('<import type="stock" operation="insert" externalReference="1">a=b</import>', "of type 'stock'"),
    ],
)  # fmt: skip
def test_a_bad_item_fails_alone_and_gives_the_reason(site, item, text):
    site.site.add_product("BEAN-1")
    found = take(site, item, order("good"))
    assert text in found["Failures"]["1"]
    assert found["Successes"] == {"good": ""}


def test_a_known_courier_is_taken_and_a_trailing_backslash_eats_the_line_break(site):
    site.site.add_product("BEAN-1")
    take(site, order("1", shipment__courier="ref:courier:EXPRESS", userDefined1="a\\", userDefined2="b"))
    held = site.site.order("WEBSHOP", "1")
    assert held.courier == "EXPRESS"
    assert held.properties["userDefined1"] == "auserDefined2=b"


def test_an_update_changes_and_a_product_inserted_twice_is_a_duplicate(site):
    take(site, product("BEAN-1", operation="insert"))
    assert "Duplicate entity" in take(site, product("BEAN-1", operation="insert"))["Duplicates"]["BEAN-1"]
    assert take(site, product("BEAN-1", operation="update", weight="5"))["Successes"] == {"BEAN-1": ""}
    take(site, order("1"), order("1", ("BEAN-1", "7"), operation="update"))
    assert site.site.order("WEBSHOP", "1").lines[0].quantity == 7


BOMB = '<!DOCTYPE imports [<!ENTITY a "b">]><imports><import type="order">&a;</import></imports>'


@pytest.mark.parametrize("body", ["", "<imports>", "<orders/>", "imports", BOMB])
def test_an_unparseable_document_is_refused_as_a_whole(site, body):
    answer = post(site, body)
    assert answer.status_code == 500
    assert "Unable to load XML document from resource" in etree.fromstring(answer.content).findtext("message")


@pytest.mark.parametrize("status", [412, 401, 403])
def test_wrong_credentials_are_reported_by_the_status_of_the_site(site, status):
    site.credentials_status = status
    for headers in ({"password": "d3Jvbmc="}, {"user": None}, {"user": "bob"}, {"password": "påss".encode()}):
        answer = post(site, SAMPLE, **headers)
        assert answer.status_code == status
        assert "No user for supplied user name and password combination" in answer.text
    assert site.site.products == {}


def test_basic_authorization_takes_the_place_of_the_headers(site):
    answer = requests.post(
        site.base_url + ORDER_PATH,
        data=SAMPLE,
        headers={"channel": "WEBSHOP"},
        auth=(b"anna", "påss".encode()),
        timeout=5,
    )
    assert len(results(answer)["Successes"]) == 3


def test_the_scope_is_needed_and_must_be_known(site):
    missing = post(site, SAMPLE, channel=None)
    assert missing.status_code == 500
    assert "Expecting value for &apos;channel&apos; request header or parameter" in missing.text
    wrong = post(site, SAMPLE, channel="NOBODY")
    assert wrong.status_code == 500
    assert "Cannot authenticate &apos;NOBODY&apos;" in wrong.text
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(wrong.content)
    site.errors_malformed = False
    message = etree.fromstring(post(site, SAMPLE, channel="NOBODY").content).findtext("message")
    assert "\n" in message
    assert " ".join(message.split()).endswith("Does not match list of authenticated channel")


def test_the_warehouse_path_takes_an_organisation(site):
    answer = post(site, imports(product("BEAN-1")), path=WAREHOUSE_PATH, channel=None, organisation="altco")
    assert results(answer)["Successes"] == {"BEAN-1": ""}
    assert "&apos;organisation&apos;" in post(site, SAMPLE, path=WAREHOUSE_PATH, channel=None).text
    assert "authenticated organisation" in post(site, SAMPLE, path=WAREHOUSE_PATH, organisation="x").text
    refused = post(site, imports(order("1")), path=WAREHOUSE_PATH, organisation="altco")
    assert "not supported here" in results(refused)["Failures"]["1"]


def call(site, path, method="GET", **options):
    return requests.request(method, site.base_url + path, headers=scope(), timeout=5, **options)


def detail(site, reference):
    return call(site, "/remoteorder/order/detail.xml", params={"externalReference": reference})


def cancel(site, reference, *, frees="true"):
    form = {"externalReference": reference, "cancelChangesExternalReference": frees}
    return call(site, "/remoteorder/order/cancel.xml", "POST", data=form)


def test_detail_shows_lines_and_quantities(site):
    site.site.add_product("BEAN-1")
    take(site, order("a b/1", ("BEAN-1", "2"), ("BEAN-1", "3"), shipment__state="ready"))
    root = etree.fromstring(detail(site, "a b/1").content)
    assert (root.tag, root.get("externalReference"), root.get("state")) == ("order", "a b/1", "created")
    assert root.find("shipments/shipment").get("state") == "ready"
    lines = root.findall("shipments/shipment/orderLines/orderLine")
    assert [(line.get("product"), line.get("quantity")) for line in lines] == [("BEAN-1", "2"), ("BEAN-1", "3")]
    unknown = detail(site, "2")
    assert (unknown.status_code, "No order found" in unknown.text) == (500, True)


def test_a_cancel_with_a_changed_reference_frees_it(site):
    site.site.add_product("BEAN-1")
    take(site, order("1"), order("2"))
    answer = cancel(site, "1")
    assert etree.fromstring(answer.content).tag == "message"
    assert "No cancel" not in answer.text
    assert take(site, order("1"))["Successes"] == {"1": ""}
    cancel(site, "2", frees="false")
    assert "2" in take(site, order("2"))["Duplicates"]
    assert etree.fromstring(detail(site, "2").content).get("state") == "cancelled"


def test_what_cannot_be_cancelled_is_said_with_200(site):
    site.site.add_product("BEAN-1")
    take(site, order("1"))
    site.site.despatch("WEBSHOP", "1")
    for reference in ("1", "unknown"):
        answer = cancel(site, reference)
        assert (answer.status_code, "No cancel operation performed" in answer.text) == (200, True)


def test_inventory_counts_what_open_orders_hold(site):
    site.site.add_product("BEAN-1")
    assert requests.post(f"{site.url}/_stock", json={"BEAN-1": 10}, timeout=5).status_code == 200
    take(site, order("1", ("BEAN-1", "3")), order("2", ("BEAN-1", "4")))
    cancel(site, "2")
    answer = call(site, "/remotewarehouse/inventory.xml", params={"externalReferences": "BEAN-1,NONE"})
    assert [dict(each.items()) for each in etree.fromstring(answer.content)] == [
        {"externalReference": "BEAN-1", "available": "7", "total": "10", "allocated": "3"}
    ]


def test_despatches_are_listed_between_times_with_their_lines(site):
    site.site.add_product("BEAN-1")
    take(site, order("1"), order("2"))
    sent = {"channel": "WEBSHOP", "externalReference": "1", "courier": "DHL", "trackingUrl": "https://track.test/1"}
    assert requests.post(f"{site.url}/_despatch", json=sent, timeout=5).status_code == 200
    assert requests.post(f"{site.url}/_despatch", json=sent, timeout=5).status_code == 400
    completed = site.site.order("WEBSHOP", "1").completed
    path = "/remoteorder/shipment/despatches.xml"
    answer = call(site, path, params={"from": completed, "to": completed, "includeOrderLines": "true"})
    [shipment] = etree.fromstring(answer.content)
    texts = {each.tag: each.text for each in shipment if len(each) == 0}
    assert texts == {
        "reference": "1-1",
        "orderReference": "1",
        "state": "despatched",
        "courier": "DHL",
        "despatchReference": "D-1-1",
        "trackingUrl": "https://track.test/1",
        "completed": completed,
    }
    assert shipment.findtext("orderLines/orderLine/quantity") == "2"
    assert len(etree.fromstring(call(site, path, params={"from": "2100-01-01 00:00:00"}).content)) == 0
    assert call(site, path, params={"from": "yesterday"}).status_code == 500


def test_a_lost_answer_has_imported(site):
    site.site.add_product("BEAN-1")
    site.fail(lost=True, on="importitems")
    with pytest.raises(requests.ConnectionError):
        post(site, imports(order("1")))
    assert take(site, order("1"))["Duplicates"] == {"1": DUPLICATE}
    assert len(site.received) == 2


@pytest.mark.parametrize("word", ["malformed", "html", "truncated"])
def test_an_unreadable_answer_has_imported(site, word):
    site.site.add_product("BEAN-1")
    site.fail(**{word: True})
    try:
        with pytest.raises(etree.XMLSyntaxError):
            etree.fromstring(post(site, imports(order("1"))).content)
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        assert word == "truncated"
    assert site.site.order("WEBSHOP", "1") is not None


@pytest.mark.parametrize("word", ["exception", "error"])
def test_an_error_root_with_200_has_done_nothing(site, word):
    site.site.add_product("BEAN-1")
    site.fail(**{word: "The database is away"})
    answer = post(site, imports(order("1")))
    assert (answer.status_code, etree.fromstring(answer.content).tag) == (200, word)
    assert "The database is away" in answer.text
    assert site.site.order("WEBSHOP", "1") is None


def test_omitted_items_are_imported_and_stand_in_no_section(site):
    site.site.add_product("BEAN-1")
    site.fail(omit="1")
    assert take(site, order("1"), order("2"))["Successes"] == {"2": ""}
    site.fail(omit=True)
    assert take(site, order("3")) == {"Successes": {}, "Failures": {}}
    assert {reference for _, reference in site.site.orders} == {"1", "2", "3"}


def test_a_status_fault_does_nothing(site):
    site.fail(status=503, times=2)
    assert [post(site, SAMPLE).status_code for _ in range(3)] == [503, 503, 200]


def test_only_posts_are_delayed(site):
    site.delay = 0.05
    assert post(site, SAMPLE).elapsed.total_seconds() >= 0.05
    site.delay = 3
    assert detail(site, "1").elapsed.total_seconds() < 3


def test_the_page_shows_what_it_holds_escaped(site):
    take(site, product("BEAN-1", description="&lt;b>bold"), order("1"))
    page = requests.get(site.url, timeout=5).text
    assert "2 x BEAN-1" in page
    assert "998 of 1000" in page
    assert "&lt;b&gt;bold" in page
    assert requests.delete(f"{site.url}/_state", timeout=5).json() == {"orders": [], "products": []}


def test_an_unknown_address_is_an_html_page(site):
    answer = call(site, "/remoteorder/nothing.xml")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
