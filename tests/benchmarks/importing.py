"""What the bench of imports runs in processes of its own, with the hub's settings; prints one JSON object.

python -m tests.benchmarks.importing fill URL PASSWORD ORDERS    owe that many imports to a site
python -m tests.benchmarks.importing send BATCH                  send them over one connection; how long, how much
python -m tests.benchmarks.importing write                       build, check and read one order, in rounds
python -m tests.benchmarks.importing hostile KIND                read a hostile result
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
import uuid

import django
import django.utils.timezone
from django.db import connection

LINES = 5
ITEMS = [f"P{number}" for number in range(1, LINES + 1)]
WRITES = 500
WRITE_ROUNDS = 5


def order(order_id):
    items = [
        {"itemId": item, "itemName": f"Item {item}", "quantityOrdered": 2, "unitPrice": 19.95,
         "discounts": [{"discountId": "d", "discountText": "less", "rewardType": "amount", "discountAmount": 1.5}]}
        for item in ITEMS
    ]  # fmt: skip
    address = {"name": "A Person", "line1": "1 Road", "city": "Town", "postalCode": "N1 1AA", "countryCode": "GB"}
    return {
        "customerOrderId": order_id, "customerId": "c-1", "status": "CREATED", "currencyId": "GBP",
        "placedDateTime": "2026-11-20T10:00:00Z", "customer": {"name": "A Person", "email": "a@example.com"},
        "deliveryAddress": address, "items": items,
    }  # fmt: skip


def fill(url, password, orders):
    from orderflow.models import OrderFlowChannel
    from orderflow.site.credentials import store_password
    from orders.inbox import applying
    from orders.inbox.reception import accept
    from orders.models import Destination, Tenant
    from orders.values.order_key import OrderKey

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")  # filling is not what is measured
    tenant = Tenant.objects.get(slug="bench")
    destination, _ = Destination.objects.get_or_create(tenant=tenant, channel="orderflow", name="main")
    channel, _ = OrderFlowChannel.objects.update_or_create(
        destination=destination,
        defaults={"base_url": url, "channel": "MYCHANNEL", "username": "hub", "item_patterns": ["P?"]},
    )
    store_password(channel, password)
    run = uuid.uuid4().hex[:8]
    for number in range(int(orders)):
        document = order(f"{run}-{number}")
        key = OrderKey(tenant.pk, "store-1", document["customerOrderId"])
        payload = json.dumps({"customerOrder": document}).encode()
        accept(key, payload=payload, client_id=None, correlation_id="bench")
    while applying.drain():
        pass
    return {"owed": int(orders)}


def send(batch):
    """One request at a time: with one order in each, or with ``batch``."""
    from orderflow.models import OrderFlowChannel
    from orders.models import Delivery, Destination
    from orders.outbox import dispatcher

    OrderFlowChannel.objects.update(batch_size=int(batch))
    Destination.objects.filter(channel="orderflow").update(concurrency=1)
    before = Delivery.objects.filter(status="delivered", kind="import").count()
    began = time.perf_counter()
    dispatcher.deliver()
    seconds = time.perf_counter() - began
    delivered = Delivery.objects.filter(status="delivered", kind="import").count() - before
    reason = Destination.objects.get(channel="orderflow").state_reason
    error = Delivery.objects.exclude(error="").values_list("error", flat=True).last()
    return {"seconds": seconds, "delivered": delivered, "peak": peak_bytes(), "trouble": reason or error}


def write():
    """Median seconds of one order, per round."""
    from orderflow.imports.payloads import Snapshot, draw
    from orderflow.models import OrderFlowChannel
    from orderflow.simulator.documents import Results
    from orderflow.simulator.imports import read_imports
    from orderflow.site.import_documents import document
    from orderflow.site.reports import import_report
    from orders.documents import load

    channel = OrderFlowChannel(channel="MYCHANNEL", item_patterns=["P?"])
    now = django.utils.timezone.now()
    text = Snapshot.of(load(json.dumps(order("1001"))), received_at=now).text(digest="")
    item = draw(Snapshot.read(text), channel, reference="1001").item
    answer = Results(successes=read_imports(document([item]))).document(at=now).encode()

    def once():
        began = time.perf_counter()
        body = document([draw(Snapshot.read(text), channel, reference="1001").item])
        report = import_report(200, answer, items=1)
        seconds = time.perf_counter() - began
        assert report.successes == {("order", "1001")}
        assert len(body) > 1_000
        return seconds

    once()
    return {"rounds": [statistics.median(once() for _ in range(WRITES)) for _ in range(WRITE_ROUNDS)]}


def hostile(kind):
    from orderflow.site.reports import Trouble, import_report

    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bodies = {
        "lines": b"<importResult>" + b"<import/>\n" * 1_000_000 + b"</importResult>",
        "entities": f'<!DOCTYPE r [<!ENTITY e0 "ha">{levels}]><importResult>&e9;</importResult>'.encode(),
    }
    import_report(200, b"<importResult/>", items=1)
    before, began = peak_bytes(), time.perf_counter()
    read = import_report(200, bodies[kind], items=100)
    seconds = time.perf_counter() - began
    assert isinstance(read, Trouble)
    assert read.text
    return {"seconds": seconds, "bytes": peak_bytes() - before}


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    django.setup()
    print(json.dumps({"fill": fill, "send": send, "write": write, "hostile": hostile}[sys.argv[1]](*sys.argv[2:])))
