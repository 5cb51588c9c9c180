"""Causes quote partners, and partners quote customers: what support reads of a cause on the dead-letter pages."""

import json
import re

import pytest
from django.urls import reverse

from orders.access.staff import OPERATOR, SUPPORT, give_role
from orders.dead_letters.causes import cause_of
from orders.inbox.reception import accept
from orders.integrations.channels import Outcome, Verdict
from orders.models import OrderEvent, RepairRun
from tests.orders.outbox import Outbox

pytestmark = pytest.mark.django_db

DEAD = "/admin/orders/repairrun/dead/"
CUSTOMER = {"name": "Yrsa Quillborn", "email": "yrsa@vault.example"}
ADDRESS = {
    "name": "Yrsa Quillborn",
    "line1": "Tarnvej 14",
    "city": "Ubberup",
    "postalCode": "4990",
    "countryCode": "DK",
}
QUOTED = "the receiver asks who Yrsa Quillborn of Tarnvej 14 in Ubberup is"
PERSONAL = re.compile("yrsa|quillborn|tarnvej|ubberup", re.I)


@pytest.fixture
def quoting(engine, faults, settings):
    """A dead event and a dead webhook of one order, both with an error that quotes its customer, no name in quotes."""
    settings.HUB_EVENT_RETRY_SCHEDULE = settings.HUB_DELIVERY_RETRY_SCHEDULE = []
    order = {
        "customerOrderId": "fault-always-1",
        "customerId": "c-7",
        "status": "CREATED",
        "customer": CUSTOMER,
        "deliveryAddress": ADDRESS,
        "items": [{"itemId": "BEAN-1", "quantityOrdered": 1, "unitPrice": 5}],
    }
    payload = json.dumps({"customerOrder": order}).encode()
    event = accept(engine.key("fault-always-1"), payload=payload, client_id=None, correlation_id="test").event_id
    engine.drain()
    OrderEvent.objects.filter(pk=event, status="dead").update(error=QUOTED)
    outbox = Outbox(engine.tenant, order_id="fault-always-1")
    outbox.add_delivery()
    outbox.send(Outcome(Verdict.REJECTED, QUOTED))
    return engine


def pages():
    return [DEAD, *(f"{DEAD}{kind}/{cause_of(QUOTED)}/" for kind in ("events", "supplier"))]


def signed_in(client, role):
    client.force_login(give_role(role, role=role, password="a-long-password-1").user)
    return client


def test_support_reads_a_cause_without_the_customer_it_quotes(client, quoting):
    support = signed_in(client, SUPPORT)
    for page in pages():
        html = support.get(page).content.decode()
        assert "the receiver asks who (masked) of (masked) in (masked) is" in html, page
        assert PERSONAL.findall(html) == [], page


def test_support_reads_what_a_retry_would_meet_without_the_customer(client, quoting, monkeypatch):
    monkeypatch.setattr(
        "orders.admin.dead_letters.rows.preview", lambda selection, row: ("would_fail", f"Still: {QUOTED}.")
    )
    support = signed_in(client, SUPPORT)
    for page in pages()[1:]:
        html = support.get(f"{page}?try=all").content.decode()
        assert "Still: the receiver asks who (masked) of (masked) in (masked) is." in html, page
        assert PERSONAL.findall(html) == [], page


def test_an_operator_reads_it_whole(client, quoting):
    operator = signed_in(client, OPERATOR)
    for page in pages():
        assert "Yrsa Quillborn" in operator.get(page).content.decode(), page


def test_a_run_keeps_no_words_of_the_customer(client, quoting):
    operator = signed_in(client, OPERATOR)
    operator.post(pages()[2], {"verb": "discard", "reason": "the order is void"})
    run = RepairRun.objects.get()
    assert run.words == "webhooks: the receiver asks who (masked) of (masked) in (masked) is"
    support = signed_in(client, SUPPORT)
    shown = (
        DEAD,
        reverse("admin:orders_repairrun_changelist"),
        reverse("admin:orders_repairrun_change", args=(run.pk,)),
    )
    for page in shown:
        assert PERSONAL.findall(support.get(page).content.decode()) == [], page
