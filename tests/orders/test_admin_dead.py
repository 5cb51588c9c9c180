"""Dead letters in the admin: one list by cause, tried before anything is done, cleared one by one or all at once."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.urls import reverse

from orders.dead_letters import bulk_runs
from orders.dead_letters import selection as selections
from orders.dead_letters.causes import cause_of, plain
from orders.dead_letters.operations import Busy
from orders.dead_letters.selection import Selection, kind_of
from orders.models import Delivery, OperatorAction, OrderEvent, RepairRun
from tests.orders.outbox import REJECTED, Outbox

pytestmark = [pytest.mark.django_db, pytest.mark.both]

DEAD = "/admin/orders/repairrun/dead/"


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch):
    monkeypatch.setattr("orders.admin.dead_letters.rows.TRY_SECONDS", 60)
    monkeypatch.setattr("orders.dead_letters.bulk_runs.FIRST_SECONDS", 60)


def test_a_page_tries_out_as_many_rows_as_it_has_time_for_and_the_rest_on_demand(root, dead, monkeypatch):
    monkeypatch.setattr("orders.admin.dead_letters.rows.TRY_SECONDS", -1)
    html = text_of(root.get(group_of()))
    assert html.count("not previewed yet</span>") == 2
    assert "Retry 2 that would succeed" not in html
    html = text_of(root.get(f"{group_of()}?try=all"))
    assert html.count("would be applied</span>") == 2
    assert "Retry 2 that would succeed" in html


def text_of(response, status=200):
    assert response.status_code == status
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.fixture
def dead(engine, faults, settings):
    """Three dead events of one cause: two would apply by now, one is overtaken."""
    settings.HUB_EVENT_RETRY_SCHEDULE = []
    made = [engine.put(f"fault-1-{name}") for name in ("10", "20", "30")]
    engine.drain()
    settings.HUB_FAULT_INJECTION = False
    engine.put("fault-1-30", status="FULFILLED")
    engine.drain()
    assert statuses(made) == ["dead"] * 3
    return made


def group_of(kind="events", error="fault injection: fault-1-10 fails on this try"):
    return f"{DEAD}{kind}/{cause_of(error)}/"


def statuses(events):
    return [OrderEvent.objects.get(pk=event.pk).status for event in events]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("fault injection: fault-1-10 fails on this try", "fault injection: … fails on this try"),
        ("The receiver answered 503.", "The receiver answered 503."),
        ("no answer within 10.5 s, try 12", "no answer within … s, try …"),
        ("/customerOrder/items/3/unitPrice must be a number", "/customerOrder/items/…/unitPrice must be a number"),
        ("SKU 'BEAN-7' is unknown; the supplier's word", "SKU “…” is unknown; the supplier's word"),
        ("", "no reason was recorded"),
    ],
)
def test_a_cause_leaves_out_what_differs_from_row_to_row(error, words):
    assert plain(error) == words


def test_answers_with_different_status_codes_are_different_causes():
    assert cause_of("The receiver answered 503.") != cause_of("The receiver answered 422.")


def test_one_list_groups_events_and_deliveries_by_cause_and_keeps_the_overtaken_apart(root, dead, engine):
    Outbox(engine.tenant).add_delivery()
    outbox = Outbox(engine.tenant)
    outbox.send(REJECTED)
    html = text_of(root.get(DEAD))
    assert html.count("fault injection: … fails on this try") == 1
    assert "2 dead</span>" in html
    assert "the partner refused it" in html
    assert "1 dead event was overtaken" in html
    assert "Acme Retail" in html


def test_an_empty_list_reports_it(root):
    assert "There are no dead letters" in text_of(root.get(DEAD))


def test_a_group_says_of_each_row_what_a_retry_would_do_and_changes_nothing(root, dead):
    html = text_of(root.get(group_of()))
    assert html.count("would be applied</span>") == 2
    assert "Retry 2 that would succeed" in html
    assert statuses(dead) == ["dead"] * 3
    assert OperatorAction.objects.count() == 0


def test_what_would_fail_again_is_counted_out(root, dead, settings):
    settings.HUB_FAULT_INJECTION = True
    OrderEvent.objects.filter(pk=dead[0].pk).update(attempts=0)
    html = text_of(root.get(group_of()))
    assert "would fail again</span>" in html
    assert "Retry 1 that would succeed" in html
    root.post(group_of(), {"verb": "retry", "reason": "one is mended"})
    assert statuses(dead) == ["dead", "pending", "dead"]


def test_a_group_is_retried_with_a_reason_and_each_row_is_on_record(root, dead):
    assert "Nothing was done: write a reason first." in text_of(root.post(group_of(), {"verb": "retry", "reason": " "}))
    assert statuses(dead) == ["dead"] * 3
    response = root.post(group_of(), {"verb": "retry", "reason": "the fault is mended"}, follow=True)
    assert "Done in" in text_of(response)
    assert statuses(dead) == ["pending", "pending", "dead"]
    noted = OperatorAction.objects.order_by("pk").values_list("who", "action", "reason", "customer_order_id")
    assert list(noted) == [
        ("root", "retry", "the fault is mended", "fault-1-10"),
        ("root", "retry", "the fault is mended", "fault-1-20"),
    ]
    run = RepairRun.objects.get()
    assert (run.who, run.reason, run.counts, run.expected) == ("root", "the fault is mended", {"pending": 2}, 2)


def test_the_overtaken_are_cleared_in_one_action(root, dead):
    page = f"{DEAD}events/overtaken/"
    assert "superseded by event 2" in text_of(root.get(page))
    root.post(page, {"verb": "set aside", "reason": "newer ones are applied"})
    assert statuses(dead) == ["dead", "dead", "superseded"]


def test_a_group_is_discarded_with_a_reason(root, dead):
    root.post(group_of(), {"verb": "discard", "reason": "test orders"})
    assert statuses(dead) == ["discarded", "discarded", "dead"]


def test_all_of_a_kind_are_previewed_and_retried_whatever_their_causes(root, dead):
    OrderEvent.objects.filter(pk=dead[0].pk).update(error="the receiver was away")
    page = f"{DEAD}events/all/"
    listed = text_of(root.get(DEAD))
    assert f'href="{page}">All 2 events</a>' in listed
    html = text_of(root.get(page))
    assert "2 dead</span> all dead events" in html
    assert "Each is tried by itself; one that would fail again stays dead." in html
    assert html.count("would be applied</span>") == 2
    root.post(page, {"verb": "retry", "reason": "all is mended"})
    assert statuses(dead) == ["pending", "pending", "dead"]
    assert RepairRun.objects.get().words == "all dead events"


def test_one_cause_alone_offers_no_other_way_to_the_same_rows(root, dead):
    assert "/events/all/" not in root.get(DEAD).content.decode()
    assert "No dead letter of this cause is left" in text_of(root.get(f"{DEAD}supplier/all/"))


def test_dead_deliveries_are_retried_by_cause(root, engine):
    outbox = Outbox(engine.tenant)
    outbox.add_delivery()
    outbox.send(REJECTED)
    page = group_of("supplier", REJECTED.detail)
    html = text_of(root.get(page))
    assert "Retry 1 that would succeed" in html
    assert "go to beans" in html
    root.post(page, {"verb": "retry", "reason": "beans is back"})
    assert Delivery.objects.get().status == "pending"


def test_a_group_larger_than_a_page_is_tried_out_by_a_run_before_its_number_is_said(root, dead, monkeypatch):
    monkeypatch.setattr("orders.admin.dead_letters.rows.PAGE", 1)
    html = text_of(root.get(group_of()))
    assert "No preview of all 2 was made yet" in html
    assert "Retry 2 that would succeed" not in html
    root.post(group_of(), {"verb": "preview"})
    assert RepairRun.objects.get().counts == {"would_apply": 2}
    assert statuses(dead) == ["dead"] * 3
    assert "Retry 2 that would succeed" in text_of(root.get(group_of()))
    first = OrderEvent.objects.dead().order_by("pk")[0]
    assert f"?after={first.pk}" in html
    second = text_of(root.get(f"{group_of()}?after={first.pk}"))
    assert "fault-1-20" in second
    assert "fault-1-10</a>" not in second


def begun(seconds=0.0, **members):
    """A run of which no row is done yet."""
    asked = bulk_runs.Begin("retry", Selection("events"), "all", "maria", "mended", expected=2, **members)
    original, bulk_runs.FIRST_SECONDS = bulk_runs.FIRST_SECONDS, seconds
    try:
        return bulk_runs.begin(asked)
    finally:
        bulk_runs.FIRST_SECONDS = original


def test_a_run_pauses_when_asked_to_and_resumes_after_its_cursor(root, dead):
    run = begun()
    assert (run.state, run.counts) == ("running", {"pending": 1})
    page = reverse("admin:orders_repairrun_change", args=(run.pk,))
    assert "Working: 1 of 2 so far." in text_of(root.get(page))
    root.post(reverse("admin:orders_repairrun_stop", args=(run.pk,)))
    bulk_runs.BulkRuns().run()
    assert statuses(dead) == ["pending", "dead", "dead"]
    assert "Stopped after 1 of 2" in text_of(root.get(page))
    root.post(reverse("admin:orders_repairrun_resume", args=(run.pk,)))
    assert bulk_runs.BulkRuns().due()
    bulk_runs.BulkRuns().run()
    run.refresh_from_db()
    assert (run.state, run.counts) == ("done", {"pending": 2})
    assert [one["what"] for one in run.log] == ["stopped", "resumed"]
    assert not bulk_runs.BulkRuns().due()


@pytest.mark.parametrize("verb", ["preview", "retry", "discard"])
def test_a_row_that_fails_inside_the_hub_is_counted_and_the_run_goes_on(root, dead, monkeypatch, verb):
    def broken(row, **noted):
        if row.pk == dead[0].pk:
            raise LookupError("no such thing")
        return services(row, **noted)

    kind = kind_of("events")
    services = getattr(kind, verb)
    monkeypatch.setattr(selections, "_EVENTS", replace(kind, **{verb: broken}))
    run = bulk_runs.begin(bulk_runs.Begin(verb, Selection("events"), "all", "maria", "mended", expected=2))
    outcome = {"preview": "would_apply", "retry": "pending", "discard": "discarded"}[verb]
    assert (run.state, run.counts) == ("done", {"failed": 1, outcome: 1})
    page = text_of(root.get(reverse("admin:orders_repairrun_change", args=(run.pk,))))
    assert "failed inside the hub, see its log" in page


def test_a_killed_workers_run_goes_on_when_its_lease_has_run_out(dead):
    run = begun()
    from orders.database.clock import DatabaseClock

    alive = DatabaseClock().now(30)
    RepairRun.objects.filter(pk=run.pk).update(lease=dead[0].pk, leased_until=alive)
    bulk_runs.work(run.pk)
    assert statuses(dead) == ["pending", "dead", "dead"]
    RepairRun.objects.filter(pk=run.pk).update(leased_until=DatabaseClock().now(-1))
    bulk_runs.work(run.pk)
    run.refresh_from_db()
    assert (run.state, run.counts) == ("done", {"pending": 2})


def test_a_run_never_meets_again_what_died_anew(dead, engine, settings):
    run = begun()
    settings.HUB_FAULT_INJECTION = True
    OrderEvent.objects.filter(pk=dead[0].pk).update(attempts=0, tries_left_from=0)
    engine.drain_through_retries()
    assert statuses(dead)[0] == "dead"
    RepairRun.objects.update(cursor=None)
    bulk_runs.work(run.pk)
    assert statuses(dead)[0] == "dead"
    assert OperatorAction.objects.filter(subject=f"event:{dead[0].pk}").count() == 1


def test_a_row_that_is_busy_stays_and_is_counted(dead, monkeypatch):
    def busy(event, **_):
        raise Busy("busy")

    from orders.dead_letters import selection

    monkeypatch.setattr(selection, "_EVENTS", selection.replace(selection._EVENTS, preview=busy))
    run = begun(seconds=5)
    assert (run.state, run.counts) == ("done", {"busy": 2})


def test_support_sees_the_groups_and_cannot_act(client, dead):
    from orders.access.staff import SUPPORT, give_role

    client.force_login(give_role("sue", role=SUPPORT, password="pass-of-sue").user)
    assert "fault injection" in text_of(client.get(DEAD))
    assert "that would succeed" not in text_of(client.get(group_of()))
    assert client.post(group_of(), {"verb": "retry", "reason": "x"}).status_code == 403
    run = begun()
    for verb in ("stop", "resume"):
        assert client.post(reverse(f"admin:orders_repairrun_{verb}", args=(run.pk,))).status_code == 403
    assert OperatorAction.objects.filter(who="sue").count() == 0


def test_a_tenant_admin_sees_no_group_and_no_run_of_another_tenant(bound, engine, dead):
    run = begun()
    assert "There are no dead letters" in text_of(bound.get(DEAD))
    assert "No dead letter of this cause is left" in text_of(bound.get(group_of()))
    assert bound.get(reverse("admin:orders_repairrun_change", args=(run.pk,))).status_code in (302, 403)


def test_the_list_costs_the_same_few_queries_however_much_is_dead(root, dead, django_assert_max_num_queries):
    root.get(DEAD)
    with django_assert_max_num_queries(14) as queries:
        root.get(DEAD)
    assert [one["sql"] for one in queries if '"payload"' in one["sql"]] == []
