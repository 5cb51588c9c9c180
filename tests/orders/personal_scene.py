"""Two customers whose personal values are unlike anything else, driven over every road by partners that repeat them."""

from __future__ import annotations

import ipaddress
import json
import re
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from orderflow.models import Despatch, WarehouseOrder
from orders.database.ids import new_id
from orders.inbox import applying
from orders.inbox.reception import accept
from orders.models import Difference, OperatorAction, OrderEvent, OrderQueue
from orders.outbox import dispatcher
from orders.telemetry import timeline_entries
from orders.values.order_key import OrderKey
from suppliers.models import SupplierPart
from suppliers.reports.recording import receive_report
from tests.orders.wire_server import answer, wire_server

PERSONAL = {
    "customer": {
        "name": "Zqvex{n}anna Wvtol{n}larsson",
        "accountNumber": "ZQVEX{n}ACC-77",
        "email": "zqvex{n}mail@vault.example",
        "phone": "+45 7{n} 98 76 54",
    },
    "deliveryAddress": {
        "name": "Zqvex{n}berta Wvtol{n}holm",
        "line1": 'Zqvex{n}gatan 5 "B"',
        "line2": "Zqvex{n}floor & half",
        "city": "Zqvex{n}köping",
        "postalCode": "ZQVEX{n} 902",
        "countryCode": "QZ",
        "phone": "07{n}-555 66 77",
        "email": "zqvex{n}door@vault.example",
    },
}
INVOICE = {
    "customerAccountId": "zqvex{n}-account",
    "invoicingAmount": 5,
    "additionalInformation": [
        {
            "id": "zqvex{n}-id",
            "value": "zqvex{n}-value",
            "displayText": "zqvex{n} shown",
            "receiptLabel": "zqvex{n} label",
        }
    ],
}


def of(n, value):
    if isinstance(value, dict):
        return {name: of(n, one) for name, one in value.items()}
    if isinstance(value, list):
        return [of(n, one) for one in value]
    return value.replace("{n}", str(n)) if isinstance(value, str) else value


def document(n, order_id, **members):
    return {
        "customerOrderId": order_id, "customerId": f"c-{n}", "status": "CREATED",
        "items": [{"itemId": "BEAN-1", "quantityOrdered": 1, "unitPrice": 5}],
        **of(n, PERSONAL), "invoicePaymentInstructions": of(n, INVOICE), **members,
    }  # fmt: skip


CANARY = re.compile(rb"(?:zqvex|wvtol)[12]|7[12][ -]?98[ -]?76[ -]?54|555[ -]?66[ -]?77", re.I)
"""Any piece of any personal value, in any case; the country alone is looked for where it is written out."""


def canaries(data: bytes) -> set[bytes]:
    found = {data[max(0, one.start() - 30) : one.end() + 20] for one in CANARY.finditer(data)}
    return found | {one for one in (b'"QZ"', b"&quot;QZ&quot;", b"CountryCode=QZ") if one in data}


def quoting(request: bytes) -> bytes:
    """A warehouse that refuses every import and says all that it was sent, one by one."""
    imports = re.findall(r'externalReference="([^"]+)">(.*?)</import>', request.decode(), re.S)
    failures = "".join(
        f'<import type="order" operation="insert" externalReference="{reference}"><failureMessage>Failed to convert '
        f"property value '{_property(lines, 'deliveryAddressLine1')}' for property 'deliveryAddressLine1'"
        f"</failureMessage><failureDetail>{lines}</failureDetail></import>"
        for reference, lines in imports
    )
    return f"<importResult><importFailures>{failures}</importFailures></importResult>".encode()


def repeating(event: bytes) -> bytes:
    """A supplier that answers with the order that the event is about, and some words."""
    n = 2 if b'"number":"1002"' in event else 1
    return json.dumps(document(n, "1001")).encode() + f" Zqvex{n}berta Wvtol{n}holm, Zqvex{n}köping".encode()


def _property(lines: str, name: str) -> str:
    found = re.search(rf"{name}=(.*)", lines)
    return found[1] if found else ""


class Scene:
    def __init__(self, tenant, supplier):
        self.tenant, self.supplier = tenant, supplier
        self.sent = {}

    def key(self, order_id):
        return OrderKey(self.tenant.pk, "store-1", order_id)

    def put(self, n, order_id, **members):
        payload = json.dumps({"customerOrder": document(n, order_id, **members)}).encode()
        return accept(self.key(order_id), payload=payload, client_id=None, correlation_id="corr-1").event_id

    def work(self):
        while applying.drain():
            pass
        dispatcher.deliver()

    def tell(self):
        """What suppliers, warehouses and people say of the first order, each in their own way."""
        said = "left with ZQVEX1ANNA at Zqvex1gatan 5 &quot;B&quot;, call 71987654 or zqvex1mail@vault.example"
        part = SupplierPart.objects.get(customer_order_id="1001")
        base = {"payloadVersion": "1.0.0", "timestamp": "2026-11-20T08:46:36+0000", "orderToken": part.token}
        parcel = {"carrier": said, "trackingNumber": "T-1", "trackingUrl": "https://track.example/?zip=ZQVEX1%20902"}
        for kind, more in (
            ("order_status_updated", {"status": "Zqvex1anna", "comment": said}),
            ("delivery_updated", {"status": "left with Zqvex1anna", **parcel}),
        ):
            receive_report(self.supplier, {"eventType": kind, **base, **more}, header_type=kind, correlation_id="c")
        Despatch.objects.create(
            channel=self.channel, reference="S-1", order_reference="1001", state="for Zqvex1anna",
            courier="Wvtol1holm & Co", completed_at=datetime.now(UTC),
            tracking_url="https://track.example/?name=Zqvex1berta+Wvtol1holm",
        )  # fmt: skip
        WarehouseOrder.objects.filter(customer_order_id="1001").update(failure=said)
        timeline_entries.record(
            self.key("1001"), source="supplier", what="Beans said zqvex1mail@vault.example", detail=said
        )
        OperatorAction.objects.create(
            **self.key("1001")._asdict(), who="maria", action="retry", subject=f"event:{new_id()}", reason=said
        )

    def differs(self):
        """What comparing found while the tenant moved: the stored values beside those of its own system."""
        here, there = document(1, "1001"), of(1, {"phone": "+45 7{n} 98 76 54 - Zqvex{n}", "line1": "Zqvex{n}vej 9"})
        now = timezone.now()
        for parent, member in (("customer", "phone"), ("deliveryAddress", "line1")):
            stored, own = {parent: {member: here[parent][member]}}, {parent: {member: there[member]}}
            Difference.objects.create(
                tenant=self.tenant, queue=OrderQueue.objects.get(customer_order_id="1001"), kind="value",
                business_unit_id="store-1", customer_order_id="1001", member=f"/{parent}/{member}",
                pointer=f"/{parent}/{member}", here=json.dumps(stored), there=json.dumps(own),
                first_seen_at=now, last_seen_at=now,
            )  # fmt: skip

    def dead_event(self):
        """An event that fails for good, with an error that quotes its values."""
        event_id = self.put(1, "fault-always-1")
        for _ in range(10):
            applying.drain()
        event = OrderEvent.objects.get(pk=event_id)
        assert event.status == "dead"
        event.error = f"applying failed inside the hub (DataError: Failing row contains ({event.payload[:400]}"
        because = "zqvex1mail@vault.example is no customer of theirs"
        event.owes = json.dumps([{"because": because}])
        event.save(update_fields=["error", "owes"])


@pytest.fixture
def scene(tenant, add_supplier, add_channel, settings):
    """Order 1001 of c-1 and 1002 of c-2, applied; both partners refused them for good, repeating what they got."""
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    settings.HUB_DELIVERY_RETRY_SCHEDULE = []
    settings.HUB_EVENT_RETRY_SCHEDULE = []
    settings.HUB_FAULT_INJECTION = True
    with ExitStack() as stack:
        hook = stack.enter_context(
            wire_server(lambda c, event: c.sendall(answer(repeating(event), status="500 Internal Server Error")))
        )
        site = stack.enter_context(wire_server(lambda c, request: c.sendall(answer(quoting(request)))))
        made = Scene(tenant, add_supplier("beans", ["BEAN-*"], url=hook.url))
        made.channel = add_channel(base_url=site.url, import_missing_products=False)
        made.put(1, "1001")
        made.put(2, "1002")
        made.work()
        made.tell()
        made.differs()
        made.dead_event()
        yield made
