"""``manage.py deliveries`` and ``manage.py destinations``."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from orders.models import Delivery, Destination, OperatorAction, Tenant
from tests.orders.outbox import DELIVERED, REJECTED, Outbox

pytestmark = [pytest.mark.django_db, pytest.mark.both]


def run(command, *arguments):
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command(command, *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    return code, [line.split("\t") for line in out.getvalue().splitlines()], err.getvalue()


@pytest.fixture
def acme():
    return Tenant.objects.create(slug="acme", name="Acme", mode="events")


@pytest.fixture
def outbox(acme):
    return Outbox(acme)


@pytest.fixture
def held(outbox):
    """A dead order_created with one delivery behind it."""
    created = outbox.add_delivery("order_created")
    outbox.add_delivery()
    outbox.send(REJECTED)
    return created


def test_list_says_what_is_pending_for_whom(outbox, held):
    code, lines, _ = run("deliveries", "list")
    assert code == 0
    assert lines[0] == [
        str(held.pk), "1", "dead", "-",
        "order_created of order 1001 to acme/supplier/beans; the partner refused it",
    ]  # fmt: skip
    assert lines[1][1:] == ["2", "pending", "-", "order_updated of order 1001 to acme/supplier/beans"]


def test_the_destination_is_a_filter(acme, held):
    other = Outbox(acme, name="peas").add_delivery("order_created")
    assert [line[0] for line in run("deliveries", "list", "--destination", "peas")[1]] == [str(other.pk)]
    assert [line[0] for line in run("deliveries", "list", "--status", "dead", "--order", "1001")[1]] == [str(held.pk)]


def test_preview_shows_what_a_discard_would_take_along(outbox, held):
    [line] = run("deliveries", "preview", "--destination", "beans")[1]
    assert line[2] == "would_apply"
    assert "a discard also discards 1 delivery behind it" in line[4]
    assert outbox.statuses() == ["dead", "pending"]


def test_retry_lets_the_lane_go_on(outbox, held):
    code, [line], _ = run("deliveries", "retry", "--destination", "beans", "--json")
    assert code == 0
    assert json.loads(line[0]) == {
        "deliveryId": str(held.pk), "sequence": 1, "outcome": "pending", "supersededBy": None,
        "detail": "It will be sent in its place.",
    }  # fmt: skip
    assert outbox.send(DELIVERED) == held.pk


def test_discard_takes_the_successors_along(outbox, held):
    assert run("deliveries", "discard", held.pk)[1][0][2] == "discarded"
    assert outbox.statuses() == ["discarded", "discarded"]


def test_refusals_and_wrong_use_have_their_exits(outbox, held):
    waiting = Delivery.objects.get(position=2)
    assert run("deliveries", "retry", waiting.pk)[0] == 1
    assert run("deliveries", "retry")[0] == 2
    assert outbox.statuses() == ["dead", "pending"]


def test_destinations_are_listed_with_their_state(acme, outbox):
    stopped = Outbox(acme, name="peas").destination
    Destination.objects.filter(pk=stopped.pk).update(state="stopped", state_reason="401 from\nthe endpoint")
    Destination.objects.filter(pk=outbox.destination.pk).update(open_seconds=15, failures=10)
    code, lines, _ = run("destinations", "list")
    assert (code, lines) == (
        0,
        [
            ["acme", "supplier", "beans", "breaker open", "10 failures in a row"],
            ["acme", "supplier", "peas", "stopped", "401 from the endpoint"],
        ],
    )
    assert run("destinations", "list", "acme", "peas")[1] == [lines[1]]


def test_a_destination_is_paused_and_resumed(outbox):
    outbox.add_delivery("order_created")
    assert run("destinations", "pause", "acme", "beans", "--reason", "they move house")[1][0][3:] == [
        "paused", "they move house",
    ]  # fmt: skip
    assert Destination.objects.get().state == "paused"
    assert run("destinations", "resume", "acme", "beans")[1][0][3] == "running"
    actions = OperatorAction.objects.order_by("pk").values_list("action", "reason")
    assert list(actions) == [("pause", "they move house"), ("resume", "")]


def test_a_probe_is_due_at_once(outbox):
    Destination.objects.update(state="stopped", state_reason="401")
    code, [line], _ = run("destinations", "probe", "acme", "beans", "--json")
    said = json.loads(line[0])
    assert (code, said["state"]) == (0, "stopped")
    assert Destination.objects.get().probe_at is not None


def test_a_tenant_alone_means_all_its_destinations(acme, outbox):
    Outbox(acme, name="peas")
    assert [line[2] for line in run("destinations", "pause", "acme")[1]] == ["beans", "peas"]


def test_unknown_or_unnamed_destinations_change_nothing(outbox):
    assert run("destinations", "pause")[0] == 2
    code, _, words = run("destinations", "pause", "acme", "nobody")
    assert (code, words) == (1, "Tenant acme has no destination 'nobody'; it has: beans.")
    assert run("destinations", "pause", "nobody")[0] == 1
    assert Destination.objects.get().state == "running"
