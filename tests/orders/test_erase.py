"""Erasing a customer: nothing personal stays anywhere, nothing is owed anew, and work under way is never raced."""

import io
import json
import uuid

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.urls import reverse

from orderflow.models import WarehouseOrder
from orders.access.staff import give_role
from orders.database.clock import DatabaseClock
from orders.dead_letters import dead_deliveries
from orders.inbox.reception import accept
from orders.models import Delivery, Lane, OperatorAction, Order, OrderEvent, OrderQueue
from orders.retention.erasure import Asked, customer_orders, erase
from tests.orderflow.conftest import add_channel  # noqa: F401
from tests.orders.personal_scene import canaries, document, scene  # noqa: F401
from tests.suppliers.conftest import add_supplier, tenant  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both]


def ask(tenant, customer="c-1", **more):
    return Asked(tenant, customer, who="maria", **more)


def stored() -> dict[str, bytes]:
    """Every row of every table of ours, as bytes."""
    models: list[type[Model]] = [model for name in ("orders", "suppliers", "orderflow", "proxy")
                                 for model in apps.get_app_config(name).get_models()]  # fmt: skip
    return {m._meta.label: repr(list(m._default_manager.order_by("pk").values())).encode() for m in models}


def left(n) -> dict[str, set[bytes]]:
    mine = (b"vex%d" % n, b"tol%d" % n, b"7%d98" % n)
    found = {name: {one for one in canaries(data) if any(m in one.lower() for m in mine)}
             for name, data in stored().items()}  # fmt: skip
    return {name: values for name, values in found.items() if values}


def facts():
    """What must be the same before and after."""
    return (
        list(OrderQueue.objects.order_by("pk").values_list("pk", "last_sequence", "done_sequence", "due_at", "lease")),
        list(OrderEvent.objects.order_by("pk").values_list("pk", "sequence", "attempts", "received_at")),
        list(Order.objects.order_by("pk").values_list("pk", "customer_id", "digest", "applied_sequence", "updated_at")),
        list(Delivery.objects.order_by("pk").values_list("pk", "position", "kind", "reference", "attempts")),
        list(Lane.objects.order_by("pk").values_list("pk", "last_position")),
    )


def test_a_dry_run_counts_and_changes_nothing(scene, tenant):
    before, out = stored(), io.StringIO()
    call_command("erase", "--tenant", "acme", "--customer", "c-1", "--dry-run", stdout=out)
    assert stored() == before
    lines = out.getvalue().splitlines()
    assert lines[0] == "Would erase: 2 order(s) with personal data of the customer."
    assert {"  orders: 1", "  events: 2", "  deliveries: 1", "  attempts: 2", "  dead set aside: 3"} <= set(lines)
    assert canaries(out.getvalue().encode()) == set()


def test_nothing_personal_stays_and_all_that_names_and_orders_does(scene, tenant):
    before, others = facts(), left(2)
    assert left(1)
    report = erase(ask(tenant, reason="asked for by Zqvex1anna Wvtol1larsson"))
    assert report.waiting == []
    assert left(1) == {}
    assert facts() == before
    assert left(2) == others
    assert OperatorAction.objects.filter(action="erase", subject="customer:c-1").count() == 1
    assert set(OperatorAction.objects.filter(action="erase").values_list("reason", flat=True)) == {
        "asked for by erased"
    }
    assert set(Order.objects.values_list("customer_id", flat=True)) == {"c-1", "c-2"}


def test_what_is_dead_is_discarded_as_it_could_not_be_sent_any_more(scene, tenant):
    erase(ask(tenant))
    assert OrderEvent.objects.get(queue__customer_order_id="fault-always-1").status == "discarded"
    mine = Delivery.objects.filter(lane__customer_order_id="1001").values_list("status", flat=True)
    assert set(mine) == {"discarded"}
    assert set(Delivery.objects.filter(lane__customer_order_id="1002").values_list("status", flat=True)) == {"dead"}


def test_what_a_warehouse_refused_before_is_erased_though_nothing_is_dead(scene, tenant):
    for dead in Delivery.objects.dead().filter(lane__customer_order_id="1001"):
        dead_deliveries.discard(dead, who="maria")
    WarehouseOrder.objects.filter(customer_order_id="1001").update(failure="no such street: Zqvex1gatan 5")
    erase(ask(tenant))
    assert left(1) == {}


def test_a_second_time_finds_nothing(scene, tenant):
    erase(ask(tenant))
    before = {name: data for name, data in stored().items() if name != "orders.OperatorAction"}
    report = erase(ask(tenant))
    assert (report.orders, dict(report.counts), report.waiting) == (0, {}, [])
    assert {name: data for name, data in stored().items() if name != "orders.OperatorAction"} == before


def test_the_same_put_again_changes_nothing_and_requires_nothing(scene, tenant):
    erase(ask(tenant))
    deliveries = Delivery.objects.count()
    event_id = scene.put(1, "1001")
    scene.work()
    event = OrderEvent.objects.get(pk=event_id)
    assert (event.status, event.changed) == ("applied", False)
    assert Delivery.objects.count() == deliveries
    assert json.loads(Order.objects.get(customer_order_id="1001").document)["customer"]["name"] == "erased"
    assert document(1, "1001")["customer"]["name"] in event.payload
    assert erase(ask(tenant)).counts["events"] == 1
    assert left(1) == {}


def test_a_status_alone_sends_the_warehouse_nothing_after_erasing(scene, tenant):
    erase(ask(tenant))
    imports = Delivery.objects.filter(kind="import").count()
    scene.put(1, "1001", status="IN_PROGRESS")
    scene.work()
    assert Delivery.objects.filter(kind="import").count() == imports


def test_an_order_with_a_pending_event_is_left_and_gives_the_reason(scene, tenant):
    scene.put(1, "1001", status="IN_PROGRESS")
    before = Order.objects.get(customer_order_id="1001").document
    report = erase(ask(tenant))
    assert [sentence[:22] for sentence in report.waiting] == ["Order 1001 of store-1:"]
    assert "an event of it is pending" in report.waiting[0]
    assert Order.objects.get(customer_order_id="1001").document == before
    scene.work()
    assert "order created" not in " ".join(erase(ask(tenant)).waiting)


def test_an_order_with_an_unsent_delivery_is_left(scene, tenant):
    one = Delivery.objects.get(kind="import", lane__customer_order_id="1001")
    Delivery.objects.filter(pk=one.pk).update(status="pending", finished_at=None)
    with pytest.raises(CommandError) as refused:
        call_command("erase", "--tenant", "acme", "--customer", "c-1", stdout=io.StringIO())
    assert refused.value.returncode == 1
    assert document(1, "1001")["customer"]["name"] in Delivery.objects.get(pk=one.pk).payload


@pytest.mark.parametrize("line", [OrderQueue, Lane])
def test_an_erasure_leaves_an_order_that_a_worker_holds(scene, tenant, line, monkeypatch):
    monkeypatch.setattr("orders.retention.erasure.locking.BUSY_SECONDS", 0.1)
    held = line.objects.filter(customer_order_id="1001")
    held.update(lease=uuid.uuid4(), due_at=DatabaseClock().now(60))
    report = erase(ask(tenant))
    assert "at this moment" in report.waiting[0]
    assert document(1, "1001")["customer"]["name"] in Order.objects.get(customer_order_id="1001").document


@pytest.mark.parametrize("part", ["_texts", "_stores", "_bodies"])
def test_a_killed_run_goes_on_where_it_was(scene, tenant, monkeypatch, part):
    """Killed when it comes to that part, with all before it committed row by row."""
    from orders.retention.erasure import one_order

    def dies(*args):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(one_order, "ROWS", 1)
    with monkeypatch.context() as patched:
        patched.setattr(one_order, part, dies)
        with pytest.raises(KeyboardInterrupt):
            erase(ask(tenant))
    assert left(1)
    erase(ask(tenant))
    assert left(1) == {}


def test_an_order_that_is_not_applied_yet_is_found_and_left(scene, tenant):
    scene.put(1, "not-applied")
    assert [sentence[:30] for sentence in erase(ask(tenant)).waiting] == ["Order not-applied of store-1: "]


def test_another_tenants_customer_of_the_same_id_is_not_touched(scene, tenant, other_engine):
    payload = json.dumps({"customerOrder": document(1, "1001")}).encode()
    accept(other_engine.key("1001"), payload=payload, client_id=None, correlation_id="theirs")
    other_engine.drain()
    before = Order.objects.get(tenant=other_engine.tenant).document
    erase(ask(tenant))
    assert canaries(before.encode())
    assert Order.objects.get(tenant=other_engine.tenant).document == before
    with pytest.raises(CommandError) as refused:
        call_command("erase", "--tenant", "nobody", "--customer", "c-1")
    assert refused.value.returncode == 2


def test_an_operator_erases_from_the_list_after_a_preview_with_a_reason(scene, client):
    client.force_login(give_role("olga", role="operator", password="a long enough password 1").user)
    order = Order.objects.get(customer_order_id="1001")
    page, form = reverse("admin:orders_order_changelist"), {"action": "erase_customers", "_selected_action": [order.pk]}
    preview = client.post(page, form)
    assert b"2 orders would be erased" in preview.content
    assert b"write a reason first" in client.post(page, form | {"apply": "1"}).content
    assert left(1)
    done = client.post(page, form | {"apply": "1", "reason": "the customer asked"})
    assert b"2 orders erased" in done.content
    assert left(1) == {}
    on_record = OperatorAction.objects.get(action="erase", subject="customer:c-1")
    assert (on_record.who, on_record.reason) == ("olga", "the customer asked")


@pytest.mark.parametrize("role", ["support", "tenant-admin"])
def test_nobody_else_erases(scene, tenant, client, role):
    bound = tenant if role == "tenant-admin" else None
    user: User = give_role("x", role=role, tenant=bound, password="a long enough password 1").user
    client.force_login(user)
    pks = list(Order.objects.values_list("pk", flat=True))
    form = {"action": "erase_customers", "_selected_action": pks, "apply": "1", "reason": "no"}
    client.post(reverse("admin:orders_order_changelist"), form)
    assert left(1)


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_many_bodies_are_read_in_chunks_of_which_none_is_missed_or_met_twice(scene, monkeypatch, chunk):
    monkeypatch.setattr(customer_orders, "CHUNK", chunk)
    every = list(OrderEvent.objects.order_by("pk").values_list("pk", "sequence"))
    assert len(every) > 2
    assert list(customer_orders.by_chunks(OrderEvent.objects.all(), "sequence")) == every
    assert list(customer_orders.by_chunks(OrderEvent.objects.none(), "sequence")) == []


def test_an_order_that_changed_hands_is_found_thoroughly_and_erased_in_part(scene, tenant):
    for dead in Delivery.objects.dead().filter(lane__customer_order_id="1001"):
        dead_deliveries.discard(dead, who="maria")
    scene.put(2, "1001")
    scene.work()
    others = list(Delivery.objects.filter(payload__contains="Zqvex2").order_by("pk").values("pk", "payload", "status"))
    assert len({one["pk"] for one in others}) == 2
    erase(ask(tenant))
    assert "orders.OrderEvent" in left(1)
    assert erase(ask(tenant, thorough=True)).waiting == []
    assert left(1) == {}
    order = Order.objects.get(customer_order_id="1001")
    assert json.loads(order.document)["customer"] == document(2, "1001")["customer"]
    now = Delivery.objects.filter(pk__in=[one["pk"] for one in others]).order_by("pk")
    assert list(now.values("pk", "payload", "status")) == others
