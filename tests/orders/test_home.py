"""The home page: one sentence, what needs a person, charts and tenants; of one's own tenant only where bound to one."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from orders.models import Delivery, Destination, Lane, OrderEvent, SelfTest, Tenant
from orders.monitoring.attention import problems
from orders.monitoring.progress import OldestDue, oldest_due, oldest_due_by_tenant
from orders.telemetry import counters

pytestmark = [pytest.mark.django_db, pytest.mark.both]


@pytest.fixture(autouse=True)
def _nothing_counted():
    counters._counters.forget()
    yield
    counters._counters.forget()


def words(response):
    assert response.status_code == 200
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def tenant_with_everything(slug):
    """A tenant whose figures, destinations and dead letters are all there."""
    tenant = Tenant.objects.create(slug=slug, name=slug.capitalize(), mode="events")
    now = timezone.now()
    stopped = Destination.objects.create(
        tenant=tenant, channel="supplier", name=f"{slug}-beans", state="stopped", state_reason="it refused us",
        state_since=now,
    )  # fmt: skip
    lane = Lane.objects.create(destination=stopped, tenant=tenant, key="order:1", last_position=1, due_at=now)
    Delivery.objects.create(
        lane=lane, destination=stopped, tenant=tenant, position=1, kind="order_created", payload="{}", status="dead",
        finished_at=now, error=f"no such item at {slug}",
    )  # fmt: skip
    counters.received(tenant.pk)
    counters.tried(stopped, delivered=True, dead=False)
    counters.took(stopped, 30)
    counters.read(tenant.pk, 30)
    return tenant


def test_with_nothing_to_do_the_page_reports_it_and_what_comes_next(root):
    said = words(root.get("/admin/"))
    assert "No tenant is set up yet." in said
    assert "Nothing: no destination is stopped or failing, and there are no dead letters." in said
    assert "Add the first tenant" in said
    assert "No event came in the last hour." in said


def test_the_page_asks_the_same_number_of_queries_however_many_tenants_there_are(root, django_assert_max_num_queries):
    tenant_with_everything("acme")
    counters.write()
    root.get("/admin/")
    with django_assert_max_num_queries(40) as few:
        root.get("/admin/")
    for number in range(7):
        tenant_with_everything(f"bolt-{number}")
    counters.write()
    with django_assert_max_num_queries(len(few) + 2):  # the database's clock is read anew every second
        root.get("/admin/")


def test_a_tenant_admin_sees_problems_of_its_own_tenant_only(bound, furnished):
    counters._counters.forget()
    tenant_with_everything("other")
    furnished.put("1002")
    counters.write()
    said = words(bound.get("/admin/")).lower()
    assert "acme" not in said
    assert "other" not in said.replace("others", "")
    assert "no event came in the last hour" in said
    assert "1 dead" not in said
    assert "none oldest due event none oldest due delivery" in said


def test_what_is_due_is_reported_per_tenant(engine, other_engine):
    engine.put()
    engine.queue().__class__.objects.update(due_at=timezone.now() - timedelta(minutes=5))
    assert oldest_due(other_engine.tenant.pk) == OldestDue(None, None)
    assert 299 < oldest_due(engine.tenant.pk).events < 310
    by_tenant = oldest_due_by_tenant()
    assert by_tenant[other_engine.tenant.pk] == OldestDue(None, None)
    assert 299 < by_tenant[engine.tenant.pk].events < 310
    assert set(oldest_due_by_tenant(engine.tenant.pk)) == {engine.tenant.pk}


def test_work_that_waits_too_long_is_said_before_anything_else(root, engine):
    engine.put()
    engine.queue().__class__.objects.update(due_at=timezone.now() - timedelta(minutes=5))
    said = words(root.get("/admin/"))
    assert "stuck Due work has been waiting for more than 1 min. Check that the workers and the scheduler run." in said
    assert "5 min oldest due event" in said


def test_what_harms_most_comes_first_with_the_way_to_its_settings(engine):
    next_to_it = tenant_with_everything("acme-shop")
    Destination.objects.filter(tenant=next_to_it).update(state_since=timezone.now() - timedelta(hours=1))
    worst = tenant_with_everything("bolt")
    Destination.objects.filter(tenant=worst).update(state_since=timezone.now() - timedelta(hours=3))
    lines = [one.sentence for one in problems(None)]
    assert lines[0].startswith("Bolt to supplier bolt-beans: Stopped for 3 h, because it refused us. 1 order pending.")
    assert lines[1].startswith("Acme-shop to supplier")
    assert lines[2].startswith("2 deliveries failed for good, the oldest")


def test_a_cause_is_quoted_only_to_those_who_may_read_it():
    tenant_with_everything("acme")
    quoted = [one.sentence for one in problems(None) if "failed for good" in one.sentence]
    silent = [one.sentence for one in problems(None, quoting=False) if "failed for good" in one.sentence]
    assert "one cause: “no such item at acme”. See in the preview" in quoted[0]
    assert "one cause. See in the preview" in silent[0]


def test_support_reads_no_causes_on_the_home_page(client, engine):
    from orders.access.staff import give_role

    tenant_with_everything("bolt")
    client.force_login(give_role("sue", role="support", password="pass-of-sue-0").user)
    said = words(client.get("/admin/"))
    assert "1 delivery failed for good" in said
    assert "no such item" not in said


@pytest.mark.parametrize("period", ["hour", "day", "week", "nonsense"])
def test_every_period_is_drawn_with_its_table(root, period):
    tenant_with_everything("acme")
    counters.write()
    page = root.get(f"/admin/?period={period}")
    said = words(page)
    word = "hour" if period == "nonsense" else period
    assert f"In the last {word} 1 events were received" in said
    assert f"In the last {word} 1 deliveries were accepted by 1 destination;" in said
    assert page.content.decode().count("<desc") == 4
    assert said.count("The chart as a table") == 3


def test_each_figure_leads_to_the_list_behind_it(root):
    tenant_with_everything("acme")
    counters.write()
    page = root.get("/admin/?period=day").content.decode()
    links = set(re.findall(r'class="hub-(?:link|count)[^"]*" href="(/admin/[^"]+)"', page))
    assert len(links) > 10
    for one in links:
        assert root.get(one.replace("&amp;", "&")).status_code == 200, one


def test_the_tenants_show_their_rate_what_waits_and_who_is_notified(root):
    tenant = tenant_with_everything("acme")
    Destination.objects.create(tenant=tenant, channel="supplier", name="tea")
    counters.write()
    said = words(root.get("/admin/"))
    assert "Acme events 0.1/min nothing due suppliers 1 running acme-beans stopped not read through" in said


def test_a_tenant_that_is_read_through_shows_times_breaker_and_drift(root):
    from proxy.models import ContractDrift

    now = timezone.now()
    tenant = Tenant.objects.create(slug="bolt", name="Bolt", mode="proxy", external_url="https://oms.example.com")
    counters.read(tenant.pk, 140)
    counters.read(tenant.pk, None, failure="external-busy")
    ContractDrift.objects.create(
        tenant=tenant, pointer="/status", expected="a string", found="null", first_seen_at=now, last_seen_at=now
    )
    counters.write()
    said = words(root.get("/admin/"))
    assert "Bolt proxy 0/min nothing due nobody 148 ms 1 failed order service answering normally drift 1" in said
    assert "not asked: breaker open, or Retry-After" in said


def test_heaps_of_dead_letters_are_not_counted_to_the_end(root, engine, monkeypatch):
    monkeypatch.setattr("orders.monitoring.attention.COUNTED_MOST", 2)
    monkeypatch.setattr("orders.admin.home.page.COUNTED_MOST", 2)
    for number in range(4):
        engine.put(f"100{number}")
    OrderEvent.objects.update(status="dead", finished_at=timezone.now())
    said = words(root.get("/admin/"))
    assert "2+ dead events" in said
    assert "more than 2 events failed for good" in said


def test_the_page_says_as_of_when_in_the_readers_zone(root, time_machine):
    time_machine.move_to(datetime(2026, 11, 20, 10, 12, 5, tzinfo=UTC), tick=False)
    User.objects.update(last_login=timezone.now())
    root.force_login(User.objects.get())
    assert "As of 10:12:05 UTC ." in words(root.get("/admin/"))
    root.cookies["hub_zone"] = "Europe/Copenhagen"
    assert "As of 11:12:05 UTC+1 ." in words(root.get("/admin/"))
    root.cookies["hub_zone"] = "../../etc/passwd"
    assert "As of 10:12:05 UTC ." in words(root.get("/admin/"))


def test_the_names_of_time_zones_are_read_from_their_files_once(root, monkeypatch):
    root.get("/admin/changes/")
    monkeypatch.setattr("orders.models.tenants.available_timezones", lambda: pytest.fail("read again"))
    assert root.get("/admin/changes/").status_code == 200


def test_staff_of_a_tenant_read_times_in_its_zone_and_machines_in_utc(bound, settings):
    Tenant.objects.filter(slug="bolt").update(time_zone="America/St_Johns")
    assert re.search(r"As of \d\d:\d\d:\d\d UTC-(2|3):30", words(bound.get("/admin/")))


def test_the_report_of_a_self_test_says_in_which_zone_its_time_is(root, engine):
    at = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    run = SelfTest.objects.create(tenant=engine.tenant, who="maria", ms=1, failed=0, lines=[])
    SelfTest.objects.filter(pk=run.pk).update(at=at)
    root.cookies["hub_zone"] = "Asia/Kolkata"
    for form in ("html", "txt"):
        report = root.get(f"/admin/orders/selftest/{run.pk}/report.{form}").content.decode()
        assert "2026-11-20 15:30:00.000 UTC+5:30" in report


def test_lists_show_moments_in_the_readers_zone_with_its_offset(root, engine):
    Tenant.objects.update(updated_at=datetime(2026, 11, 20, 10, 0, tzinfo=UTC))
    engine.put()
    OrderEvent.objects.update(received_at=datetime(2026, 11, 20, 10, 0, tzinfo=UTC))
    root.cookies["hub_zone"] = "Asia/Kolkata"
    listed = root.get("/admin/orders/orderevent/").content.decode()
    assert 'title="2026-11-20 15:30:00.000 UTC+5:30"' in listed
    raw = root.get("/admin/orders/tenant/").content.decode()
    assert "2026-11-20 15:30:00" in raw


def test_removed_figures_of_a_removed_destination_still_draw(root):
    tenant = tenant_with_everything("acme")
    Delivery.objects.all().delete()
    Lane.objects.all().delete()
    Destination.objects.filter(tenant=tenant).delete()
    counters.write()
    assert "one since removed" in words(root.get("/admin/"))
