"""Despatches: asked for by channel, kept once, told on the timeline and in the fulfilment."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from orderflow import despatches
from orderflow.attention import problems
from orderflow.catalogue.products import put_products
from orderflow.despatches import DespatchPolling
from orderflow.fulfilment import parts
from orderflow.models import Despatch, DespatchPoll
from orderflow.site.reads import MOST_DESPATCHES, despatch_notes
from orderflow.site.reports import Kind, Trouble
from orders import tasks
from orders.models import Destination, TimelineEntry
from orders.values.order_key import OrderKey
from tests.orderflow.conftest import an_order, deliver, place

pytestmark = pytest.mark.both


@pytest.fixture
def polled(site, add_channel, book):
    channel = add_channel(base_url=site.base_url, poll_despatches_seconds=60)
    put_products(channel, {sku: {"description": sku} for sku in "AB"})
    for order_id in ("1", "2"):
        book.apply(an_order(("A", 2), ("B", 1), order_id=order_id))
    deliver()
    return channel


def ask_now():
    DespatchPoll.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    DespatchPolling().run()
    return DespatchPoll.objects.get()


def questions(site):
    found = [urlsplit(call.target) for call in site.calls if "despatches.xml" in call.target]
    return [{name: values[0] for name, values in parse_qs(one.query).items()} for one in found]


def test_a_despatch_is_kept_shown_and_part_of_the_fulfilment(site, polled, tenant):
    assert DespatchPolling().due()
    site.site.despatch("MYCHANNEL", "1", courier="DHL", tracking_url="https://track.example.com/1")
    DespatchPolling().run()
    row = Despatch.objects.get()
    assert (row.reference, row.order_reference, row.courier, row.lines) == ("1", "1", "DHL", {"A": "2", "B": "1"})
    entry = TimelineEntry.objects.get(customer_order_id="1")
    assert (entry.what, entry.road) == ("main: shipment 1 despatched with DHL", "warehouse")
    assert entry.detail == "2 x A, 1 x B; https://track.example.com/1"
    (warehouse,) = parts(OrderKey(tenant.pk, "store-1", "1"))
    completed = row.completed_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"reference": "1", "courier": "DHL", "trackingUrl": "https://track.example.com/1", "completed": completed}
    told["items"] = [{"itemId": "A", "quantity": 2}, {"itemId": "B", "quantity": 1}]
    assert (warehouse["state"], warehouse["despatches"]) == ("imported", [told])
    assert parts(OrderKey(tenant.pk, "store-1", "2"))[0]["despatches"] == []


def test_the_cursor_is_the_highest_completed_and_what_comes_again_is_kept_once(site, polled):
    first = ask_now()
    assert (first.cursor, first.failure) == ("", "")
    site.site.despatch("MYCHANNEL", "1")
    completed = site.site.orders["MYCHANNEL", "1"].completed
    assert ask_now().cursor == completed
    site.site.despatch("MYCHANNEL", "2")
    ask_now()
    assert questions(site)[-1]["from"] == completed
    assert questions(site)[-1]["includeOrderLines"] == "true"
    assert sorted(Despatch.objects.values_list("order_reference", flat=True)) == ["1", "2"]
    assert TimelineEntry.objects.count() == 2


def test_the_first_question_reaches_back_to_the_channels_first_order(site, polled):
    ask_now()
    first = place("1").first_received_at.astimezone(ZoneInfo("Europe/London")).strftime("%Y-%m-%d %H:%M:%S")
    assert questions(site)[0]["from"] == first


def test_a_channel_without_an_order_is_not_called(site, add_channel):
    add_channel(base_url=site.base_url, poll_despatches_seconds=60)
    DespatchPolling().run()
    assert questions(site) == []
    assert not DespatchPolling().due()


def test_a_channel_is_asked_once_per_interval_by_whichever_worker_wins(site, polled, monkeypatch):
    DespatchPolling().run()
    DespatchPolling().run()
    assert len(questions(site)) == 1
    poll = DespatchPoll.objects.select_related("channel__destination").get()
    wait = (poll.due_at - timezone.now()).total_seconds()
    assert 55 < wait < 65
    assert despatches._claimed(poll)
    stale = DespatchPoll.objects.get()
    stale.due_at -= timedelta(seconds=1)
    assert not despatches._claimed(stale)


def test_the_network_is_called_outside_any_transaction(site, polled, monkeypatch):
    seen = []
    real = despatches._ask
    monkeypatch.setattr(despatches, "_ask", lambda *a: seen.append(connection.in_atomic_block) or real(*a))
    depth = connection.in_atomic_block  # the test's own
    DespatchPolling().run()
    assert seen == [depth]


@pytest.mark.parametrize("stopped", ["paused", "stopped", "inactive", "tenant", "unset"])
def test_what_is_held_is_not_asked(site, polled, tenant, stopped):
    if stopped == "inactive":
        Destination.objects.update(active=False)
    elif stopped == "tenant":
        tenant.active = False
        tenant.save()
    elif stopped == "unset":
        polled.poll_despatches_seconds = None
        polled.save()
    else:
        Destination.objects.update(state=stopped, state_reason="by a person")
    assert not DespatchPolling().due()
    DespatchPolling().run()
    assert questions(site) == []


def test_a_site_that_names_people_is_quoted_without_them(polled):
    poll = DespatchPoll.objects.create(channel=polled, due_at=timezone.now())
    despatches._fail(poll, Trouble(Kind.MISCONFIGURED, "OrderFlow says: ask vera@quist.example."))
    poll.refresh_from_db()
    assert poll.failure == "OrderFlow says: ask (masked)."


def test_a_failure_keeps_the_cursor_is_reported_and_ends(site, polled, tenant):
    site.site.despatch("MYCHANNEL", "1")
    cursor = ask_now().cursor
    site.users["philz"] = "changed at the site"
    poll = ask_now()
    assert poll.cursor == cursor
    assert "No user for supplied user name and password combination" in poll.failure
    assert (poll.due_at - timezone.now()).total_seconds() > 500
    assert Destination.objects.get().state == "running"
    assert list(problems(None)) == []
    DespatchPoll.objects.update(failing_since=timezone.now() - timedelta(hours=1))
    (line,) = problems(tenant.pk)
    assert "despatches of warehouse main have not been read for" in line.sentence
    assert list(problems(tenant.pk + 1)) == []
    site.users["philz"] = "pässword"
    assert (ask_now().failure, list(problems(None))) == ("", [])


def test_an_answer_larger_than_the_hub_reads_is_asked_for_in_parts(site, polled, settings):
    for order_id in ("1", "2"):
        site.site.despatch("MYCHANNEL", order_id)
    site.site.orders["MYCHANNEL", "1"].completed = "2020-01-01 10:00:00"
    DespatchPolling().run()
    DespatchPoll.objects.update(cursor="2019-12-31 00:00:00")
    Despatch.objects.all().delete()
    settings.HUB_RESPONSE_LIMIT_BYTES = 800
    for _ in range(40):
        ask_now()
    assert sorted(Despatch.objects.values_list("order_reference", flat=True)) == ["1", "2"]


def test_the_hour_that_the_clocks_repeat_is_asked_for_again():
    zone = ZoneInfo("Europe/London")
    hour = timedelta(hours=1)
    assert despatches._turned_back(datetime(2026, 10, 25, 1, 50), zone) == hour  # noqa: DTZ001 - the site's own time
    assert despatches._turned_back(datetime(2026, 3, 29, 1, 50), zone) == timedelta()  # noqa: DTZ001
    assert despatches._turned_back(datetime(2026, 11, 20, 1, 50), zone) == timedelta()  # noqa: DTZ001


def test_a_worker_that_outlived_its_claim_keeps_nothing(site, polled):
    site.site.despatch("MYCHANNEL", "1")
    despatches._add_polls()
    poll = DespatchPoll.objects.select_related("channel__destination").get()
    assert despatches._claimed(poll)
    DespatchPoll.objects.update(due_at=timezone.now())
    despatches.poll_channel(poll)
    assert not Despatch.objects.exists()
    assert not TimelineEntry.objects.exists()


def test_shipments_that_are_not_completed_or_have_no_reference_are_left_out():
    body = (
        b"<shipments><shipment><reference>a</reference><completed/></shipment>"
        b"<shipment><completed>2026-11-20 10:00:00</completed></shipment>"
        b"<shipment><reference>b</reference><completed>2026-11-20 10:00:00</completed>"
        b"<orderLines><orderLine product='X' quantity='2'/><orderLine product='X' quantity='many'/></orderLines>"
        b"</shipment></shipments>"
    )
    (note,) = despatch_notes(200, body)
    assert (note.reference, note.lines) == ("b", {"X": "2"})
    assert MOST_DESPATCHES * 64 * 2 > 1_000_000


def test_the_sweep_has_due_polls_done_on_the_outbound_queue(polled, monkeypatch):
    published = []
    monkeypatch.setattr(tasks, "publish", lambda queue, *, task="": published.append((queue, task)))
    tasks.wake_what_is_due()
    assert ("outbound", "orders.tasks.periodic") in published
    DespatchPolling().run()
    published.clear()
    tasks.wake_what_is_due()
    assert ("outbound", "orders.tasks.periodic") not in published
