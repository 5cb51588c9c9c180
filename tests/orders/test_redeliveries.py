"""Dead deliveries: preview, retry, discard, with the lane's rules (docs/design/outbox.md#dead-deliveries)."""

from __future__ import annotations

import pytest

from orders.database.clock import DatabaseClock
from orders.dead_letters import dead_deliveries, operations
from orders.dead_letters.operations import Busy, NotDead
from orders.models import Delivery, DeliveryAttempt, Lane, OperatorAction, Tenant
from tests.orders.outbox import DELIVERED, REJECTED, UNAVAILABLE, Outbox

pytestmark = [pytest.mark.django_db, pytest.mark.both]


@pytest.fixture
def outbox():
    return Outbox(Tenant.objects.create(slug="acme", name="Acme", mode="events"))


def retry(delivery):
    return dead_deliveries.retry(delivery, who="ada", reason="asked for")


def test_a_dead_order_created_is_retried_in_its_place_and_its_successors_follow(outbox):
    created, updated = outbox.add_delivery("order_created"), outbox.add_delivery()
    outbox.send(REJECTED)
    assert outbox.statuses() == ["dead", "pending"]
    assert outbox.send(DELIVERED) is None
    result = retry(created)
    assert (result.pk, result.outcome, result.superseded_by) == (created.pk, "pending", None)
    lane = outbox.lane
    assert (lane.held_by, lane.done_position) == (None, 0)
    assert [outbox.send(DELIVERED), outbox.send(DELIVERED)] == [created.pk, updated.pk]
    assert outbox.statuses() == ["delivered", "delivered"]


def test_the_retry_of_an_order_created_is_never_stale(outbox):
    created, later = outbox.add_delivery("order_created"), outbox.add_delivery()
    outbox.send(REJECTED)
    Delivery.objects.filter(pk=later.pk).update(status="delivered", finished_at=created.created_at)
    assert dead_deliveries.preview(created).outcome == "would_apply"
    assert retry(created).outcome == "pending"


def test_another_kind_is_superseded_when_a_later_one_was_delivered(outbox):
    outbox.add_delivery("order_created")
    outbox.send(DELIVERED)
    dead, later = outbox.add_delivery(), outbox.add_delivery()
    outbox.send(REJECTED)
    outbox.send(DELIVERED)
    previewed = dead_deliveries.preview(dead)
    assert (previewed.outcome, previewed.superseded_by) == ("would_supersede", later.pk)
    assert outbox.statuses() == ["delivered", "dead", "delivered"]
    result = retry(dead)
    assert (result.outcome, result.superseded_by) == ("superseded", later.pk)
    stored = Delivery.objects.get(pk=dead.pk)
    assert (stored.status, stored.superseded_by) == ("superseded", later.pk)
    assert outbox.lane.due_at is None


def test_another_kind_is_sent_again_when_nothing_later_was_delivered(outbox):
    outbox.add_delivery("order_created")
    outbox.send(DELIVERED)
    dead, waiting = outbox.add_delivery(), outbox.add_delivery()
    outbox.send(REJECTED)
    assert retry(dead).outcome == "pending"
    assert [outbox.send(DELIVERED), outbox.send(DELIVERED)] == [dead.pk, waiting.pk]


def test_a_retry_has_a_fresh_schedule_and_attempts_count_on(outbox):
    outbox.destination.retry_schedule = [1.0, 1.0]
    outbox.destination.save()
    created = outbox.add_delivery("order_created")
    for _ in range(3):
        outbox.send(UNAVAILABLE)
    assert outbox.statuses() == ["dead"]
    retry(created)
    outbox.send(UNAVAILABLE)
    outbox.send(UNAVAILABLE)
    assert outbox.statuses() == ["pending"]
    outbox.send(UNAVAILABLE)
    assert outbox.statuses() == ["dead"]
    assert Delivery.objects.get(pk=created.pk).attempts == 6
    assert DeliveryAttempt.objects.filter(delivery=created).count() == 6


def test_discarding_an_order_created_discards_its_successors_and_reports_it_before(outbox):
    created = outbox.add_delivery("order_created")
    outbox.add_delivery()
    outbox.add_delivery("order_cancelled")
    outbox.send(REJECTED)
    assert "2 deliveries behind it" in dead_deliveries.preview(created).detail
    assert outbox.statuses() == ["dead", "pending", "pending"]
    result = dead_deliveries.discard(created, who="ada", reason="wrong supplier")
    assert (result.outcome, "2 deliveries" in result.detail) == ("discarded", True)
    assert outbox.statuses() == ["discarded"] * 3
    lane = outbox.lane
    assert (lane.held_by, lane.due_at, lane.done_position) == (None, None, 3)
    new = outbox.add_delivery()
    assert outbox.send(DELIVERED) == new.pk


def test_discarding_another_kind_leaves_the_lane_alone(outbox):
    outbox.add_delivery("order_created")
    outbox.send(DELIVERED)
    dead, waiting = outbox.add_delivery(), outbox.add_delivery()
    outbox.send(REJECTED)
    assert dead_deliveries.discard(dead, who="ada").detail == "It will never be sent."
    assert outbox.statuses() == ["delivered", "discarded", "pending"]
    assert outbox.send(DELIVERED) == waiting.pk


def test_a_retry_in_a_lane_that_another_holds_waits_for_it(outbox):
    first = outbox.add_delivery("order_updated")
    outbox.send(REJECTED)
    created = outbox.add_delivery("order_created")
    outbox.send(REJECTED)
    assert outbox.lane.held_by == created.pk
    result = retry(first)
    assert (result.outcome, "holds its lane" in result.detail) == ("pending", True)
    assert outbox.send(DELIVERED) is None
    retry(created)
    assert [outbox.send(DELIVERED), outbox.send(DELIVERED)] == [first.pk, created.pk]


@pytest.mark.parametrize("verb", ["preview", "retry", "discard"])
def test_only_dead_deliveries_are_touched(outbox, verb):
    pending = outbox.add_delivery("order_created")
    who = {} if verb == "preview" else {"who": "ada"}
    with pytest.raises(NotDead, match="this one is pending"):
        getattr(dead_deliveries, verb)(pending, **who)
    assert outbox.statuses() == ["pending"]
    assert not OperatorAction.objects.exists()


def test_a_lane_that_is_being_sent_is_not_touched(outbox, monkeypatch):
    monkeypatch.setattr(operations, "BUSY_SECONDS", 0.05)
    outbox.add_delivery("order_created")
    outbox.send(DELIVERED)
    dead, _ = outbox.add_delivery(), outbox.add_delivery()
    outbox.send(REJECTED)
    lease = outbox.lease()
    assert lease is not None
    with pytest.raises(Busy):
        retry(dead)
    assert (outbox.statuses()[1], outbox.lane.lease) == ("dead", lease)


def test_a_lease_that_ran_out_is_no_hindrance(outbox):
    outbox.add_delivery("order_created")
    outbox.send(DELIVERED)
    dead, _ = outbox.add_delivery(), outbox.add_delivery()
    outbox.send(REJECTED)
    outbox.lease()
    Lane.objects.update(due_at="2020-01-01T00:00:00Z")
    assert retry(dead).outcome == "pending"
    assert outbox.lane.lease is None
    assert outbox.send(DELIVERED) == dead.pk


def test_what_waits_behind_a_redelivered_one_waits_for_its_schedule_or_the_next_wish(outbox):
    created = outbox.add_delivery("order_created")
    outbox.send(DELIVERED)
    dead_deliveries.redeliver(created, who="beans")
    outbox.send(UNAVAILABLE)
    outbox.add_delivery()
    assert outbox.lane.due_at > DatabaseClock().now(1)
    dead_deliveries.redeliver(created, who="beans")
    assert outbox.lane.due_at < DatabaseClock().now()
    outbox.send(DELIVERED)
    outbox.send(DELIVERED)
    assert outbox.statuses() == ["delivered", "delivered"]


def test_a_preview_leaves_the_lease_of_a_lost_worker(outbox):
    outbox.add_delivery()
    outbox.send(REJECTED)
    outbox.add_delivery()
    outbox.lease()
    Lane.objects.update(due_at="2020-01-01T00:00:00Z")
    before = Lane.objects.values().get()
    assert before["lease"] is not None
    dead_deliveries.preview(Delivery.objects.dead().get())
    assert Lane.objects.values().get() == before


def test_what_a_person_did_is_on_record(outbox):
    created = outbox.add_delivery("order_created")
    outbox.send(REJECTED)
    retry(created)
    outbox.send(REJECTED)
    dead_deliveries.discard(created, who="bo", reason="gone")
    lines = OperatorAction.objects.order_by("pk").values_list("who", "action", "reason", "outcome")
    assert list(lines) == [("ada", "retry", "asked for", "pending"), ("bo", "discard", "gone", "discarded")]
    action = OperatorAction.objects.first()
    assert action.subject == f"delivery:{created.pk}"
    assert (action.tenant_id, action.customer_order_id) == (outbox.tenant.pk, "1001")
