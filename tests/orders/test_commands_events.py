"""``manage.py events``: lines, choices and exit codes (docs/reference/commands.md#dead-letters)."""

from __future__ import annotations

import io
import json
import uuid

import pytest
from django.core.management import CommandError, call_command

from orders.dead_letters import dead_events
from orders.management import dead_letters
from orders.models import OperatorAction, OrderEvent, OrderQueue

pytestmark = [pytest.mark.django_db, pytest.mark.both]


def events(*arguments):
    """(exit code, lines of stdout, stderr or the refusal)."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command("events", *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    return code, [line.split("\t") for line in out.getvalue().splitlines()], err.getvalue()


@pytest.fixture
def dead(engine, faults):
    """The one event of order fault-always-1, dead."""
    engine.tenant.event_retry_schedule = [0]
    engine.tenant.save()
    event = engine.put("fault-always-1")
    engine.drain_through_retries()
    assert engine.statuses("fault-always-1") == ["dead"]
    return event


@pytest.fixture
def mended(dead, settings):
    """The same, with its cause gone."""
    settings.HUB_FAULT_INJECTION = False
    return dead


@pytest.fixture
def overtaken(engine, mended):
    """A dead event with a newer one applied after it."""
    newer = engine.put("fault-always-1", status="SHIPPED")
    engine.drain()
    assert engine.statuses("fault-always-1") == ["dead", "applied"]
    return mended, newer


def test_list_says_what_became_of_each_event(engine, dead):
    engine.put("1001")
    engine.put("1001", status="SHIPPED")
    code, lines, _ = events("list")
    assert code == 0
    assert [line[1:4] for line in lines] == [["1", "dead", "-"], ["1", "pending", "-"], ["2", "pending", "-"]]
    assert lines[0][0] == str(dead.pk)
    assert lines[0][4].startswith("order fault-always-1 of acme, store-1; ")
    assert lines[2][4] == f"order 1001 of acme, store-1; waiting behind {lines[1][0]}"


def test_list_is_narrowed_by_each_filter(engine, other_engine, dead):
    there, here = other_engine.put("1001"), engine.put("1001")
    everything = {str(dead.pk), str(there.pk), str(here.pk)}

    def listed(*arguments):
        return {line[0] for line in events("list", *arguments)[1]}

    assert listed() == everything
    assert listed("--tenant", "bolt") == {str(there.pk)}
    assert listed("--order", "1001") == {str(there.pk), str(here.pk)}
    assert listed("--order", "1001", "--tenant", "acme") == {str(here.pk)}
    assert listed("--status", "dead") == {str(dead.pk)}
    assert listed("--since", "2020-01-01T00:00:00Z") == everything
    assert listed("--since", "2999-01-01T00:00:00Z") == set()
    assert listed(here.pk) == {str(here.pk)}


def test_preview_shows_what_a_retry_would_do_and_does_nothing(engine, dead, settings):
    assert events("preview", dead.pk)[1][0][2] == "would_fail"
    settings.HUB_FAULT_INJECTION = False
    assert events("preview", dead.pk)[1][0][2] == "would_apply"
    newer = engine.put("fault-always-1", status="SHIPPED")
    engine.drain()
    assert events("preview", "--status", "dead")[1] == [
        [str(dead.pk), "1", "would_supersede", str(newer.pk), dead_events._SUPERSEDED]
    ]
    assert engine.statuses("fault-always-1") == ["dead", "applied"]
    assert not OperatorAction.objects.exists()


def test_retry_applies_the_event_in_its_place(engine, mended):
    code, lines, _ = events("retry", mended.pk, "--reason", "the disk was full")
    assert (code, lines) == (0, [[str(mended.pk), "1", "pending", "-", "It will be applied in its place."]])
    engine.drain()
    assert engine.statuses("fault-always-1") == ["applied"]
    action = OperatorAction.objects.get()
    assert (action.action, action.reason, action.outcome) == ("retry", "the disk was full", "pending")
    assert action.who.endswith("on the command line")


def test_a_stale_retry_ends_superseded_and_is_done(engine, overtaken):
    dead, newer = overtaken
    code, lines, _ = events("retry", "--tenant", "acme", "--json")
    assert code == 0
    assert json.loads("\t".join(lines[0])) == {
        "eventId": str(dead.pk),
        "sequence": 1,
        "outcome": "superseded",
        "supersededBy": str(newer.pk),
        "detail": dead_events._SUPERSEDED,
    }
    engine.drain()
    assert engine.statuses("fault-always-1") == ["superseded", "applied"]
    assert engine.order("fault-always-1").applied_sequence == 2


def test_overtaken_dead_events_are_shown_as_such_listed_apart_and_cleared_in_one_action(engine, overtaken, settings):
    dead, newer = overtaken
    settings.HUB_FAULT_INJECTION = True
    other = engine.put("fault-always-2")
    engine.drain_through_retries()
    settings.HUB_FAULT_INJECTION = False
    details = {line[0]: line[4] for line in events("list")[1]}
    assert "; overtaken: event 2 is applied already; " in details[str(dead.pk)]
    assert "overtaken" not in details[str(other.pk)] + details[str(newer.pk)]
    assert [line[0] for line in events("list", "--overtaken")[1]] == [str(dead.pk)]
    code, lines, _ = events("retry", "--overtaken", "--reason", "stale")
    assert (code, [line[:3] for line in lines]) == (0, [[str(dead.pk), "1", "superseded"]])
    assert events("list", "--overtaken")[1] == []
    assert OrderEvent.objects.get(pk=other.pk).status == "dead"
    assert OperatorAction.objects.get().reason == "stale"


def test_discard_sets_the_event_aside(engine, mended):
    code, lines, _ = events("discard", mended.pk)
    assert (code, lines[0][2]) == (0, "discarded")
    assert engine.statuses("fault-always-1") == ["discarded"]


def test_some_refused_is_exit_1_and_the_others_are_done(engine, mended):
    alive, unknown = engine.put("1001"), uuid.uuid4()
    code, lines, words = events("retry", alive.pk, unknown, "no-id", mended.pk)
    assert code == 1
    assert [line[:3] for line in lines] == [
        [str(alive.pk), "1", "refused"],
        [str(unknown), "-", "unknown"],
        ["no-id", "-", "unknown"],
        [str(mended.pk), "1", "pending"],
    ]
    assert lines[0][4].endswith("this one is pending")
    assert "3 of 4 refused" in words


def test_an_id_of_another_tenant_is_unknown_where_a_tenant_is_named(other_engine, mended):
    code, lines, _ = events("retry", "--tenant", "bolt", mended.pk)
    assert (code, lines[0][2]) == (1, "unknown")
    assert OrderEvent.objects.get(pk=mended.pk).status == "dead"


@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_everything_without_a_filter_is_wrong_use(mended, verb):
    code, lines, words = events(verb)
    assert (code, lines) == (2, [])
    assert "--status dead means every dead one" in words
    assert OrderEvent.objects.get(pk=mended.pk).status == "dead"


@pytest.mark.parametrize(
    "arguments", [("retry", "--tenant", "nobody"), ("retry", "--status", "applied"), ("discard", "--status", "pending")]
)
def test_wrong_use_is_exit_2(mended, arguments):
    code, lines, _ = events(*arguments)
    assert (code, lines) == (2, [])
    assert OrderEvent.objects.get(pk=mended.pk).status == "dead"


def test_many_chunks_are_worked_through(engine, monkeypatch, settings):
    monkeypatch.setattr(dead_letters, "CHUNK", 2)
    made = [engine.put(f"10{number}") for number in range(5)]
    OrderEvent.objects.update(status="dead", finished_at=made[0].received_at)
    code, lines, _ = events("discard", "--status", "dead")
    assert code == 0
    assert {line[0] for line in lines} == {str(event.pk) for event in made}
    assert set(OrderEvent.objects.values_list("status", flat=True)) == {"discarded"}


def test_a_stopped_run_is_resumed_by_the_same_command_and_does_every_event_once(engine, monkeypatch):
    monkeypatch.setattr(dead_letters, "CHUNK", 7)
    monkeypatch.setattr(dead_letters, "PROGRESS_SECONDS", 0)
    made = [engine.put(f"10{number}") for number in range(40)]
    OrderEvent.objects.update(status="dead", finished_at=made[0].received_at)
    OrderQueue.objects.update(done_sequence=1, due_at=None)
    work = dead_events.retry
    monkeypatch.setitem(_verbs(), "retry", _interrupted_second(work))
    first = events("retry", "--status", "dead")
    monkeypatch.setitem(_verbs(), "retry", work)
    second = events("retry", "--status", "dead")
    assert (first[0], second[0]) == (130, 0)
    assert (len(first[1]), len(second[1])) == (1, 39)
    assert "39 events, 0 refused …" in second[2]
    engine.drain()
    assert set(OrderEvent.objects.values_list("status", "attempts")) == {("applied", 1)}
    assert OperatorAction.objects.filter(action="retry").count() == 40


def test_ctrl_c_stops_between_events_and_says_how_to_go_on(engine, monkeypatch):
    made = [engine.put(f"10{number}") for number in range(3)]
    OrderEvent.objects.update(status="dead", finished_at=made[0].received_at)
    work = dead_events.discard
    monkeypatch.setitem(_verbs(), "discard", _interrupted_second(work))
    code, lines, words = events("discard", "--status", "dead")
    assert code == 130
    assert len(lines) == 1
    assert "Stopped after 1 events; those are done. The same command again goes on" in words
    assert sorted(OrderEvent.objects.values_list("status", flat=True)) == ["dead", "dead", "discarded"]


def test_long_runs_tell_how_far_they_are(engine, monkeypatch):
    monkeypatch.setattr(dead_letters, "PROGRESS_SECONDS", 0)
    engine.put("1001")
    assert "1 events, 0 refused …" in events("list")[2]


def _verbs():
    from orders.management.commands.events import Command

    return Command.verbs


def _interrupted_second(work):
    seen = []

    def discard(event, **options):
        seen.append(event)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return work(event, **options)

    return discard


def test_a_filter_that_finds_nothing_reports_it(dead):
    assert events("list", "--order", "nobody-s") == (0, [], "No events match.\n")
    assert events("discard", "--order", "nobody-s", "--reason", "x") == (0, [], "No dead events match.\n")
