"""Alerts: one incident per subject, told once when it begins and once when it is over, until somebody is reached."""

import json
import smtplib
import threading
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.core import mail
from django.db import connections
from standardwebhooks import Webhook

from orders.access import sealing
from orders.database.clock import DatabaseClock
from orders.integrations.console import Measure, Reading
from orders.models import AlertMessage, AlertRule, Incident, OrderEvent, Secret
from orders.monitoring.alerting import incidents, measures, messages
from orders.monitoring.alerting.incidents import Alerting
from tests.orders.wire_server import answer, wire_server

pytestmark = [pytest.mark.both, pytest.mark.django_db]


@pytest.fixture
def amounts(monkeypatch):
    """What is measured: {subject: amount}."""
    found = {}

    def read(tenant_id):
        for subject, amount in found.items():
            yield Reading(subject, amount, f"{subject} is at {amount}. Look at it.", "/admin/there/")

    monkeypatch.setattr(incidents, "measures", lambda: {"heat": Measure("heat", "degrees", 10, read)})
    return found


@pytest.fixture
def by_mail(settings):
    settings.HUB_EMAIL_URL = "smtp://mail.example.com"


@pytest.fixture
def rule(db, by_mail):
    return AlertRule.objects.create(kind="heat", threshold=10, emails=["ops@example.com"])


def look(times=1):
    """As after a while: every rule is looked at again."""
    for _ in range(times):
        AlertRule.objects.update(looked_at=None)
        Alerting().run()


def quiet_for_long():
    began = DatabaseClock().now() - incidents.QUIET_FOR - timedelta(seconds=1)
    Incident.objects.exclude(quiet_since=None).update(quiet_since=began)


def due_again():
    AlertMessage.objects.filter(due_at__isnull=False).update(due_at=DatabaseClock().now(-1))


def subjects():
    return [one.subject for one in mail.outbox]


def test_one_mail_per_incident_however_often_its_rule_is_evaluated(rule, amounts):
    amounts["oven"] = 12
    look(times=5)
    assert subjects() == ["[Orderhub] the hub: oven is at 12"]
    assert mail.outbox[0].to == ["ops@example.com"]
    assert "oven is at 12. Look at it." in mail.outbox[0].body
    assert "/admin/there/" in mail.outbox[0].body


def test_a_subject_of_two_lines_is_mailed_on_one(rule, amounts):
    amounts["oven\nof Acme"] = 12
    look()
    assert subjects() == ["[Orderhub] the hub: oven of Acme is at 12"]


def test_below_the_threshold_nobody_is_notified(rule, amounts):
    amounts["oven"] = 9.9
    look()
    assert (subjects(), Incident.objects.count()) == ([], 0)


def test_each_subject_is_an_incident_of_its_own(rule, amounts):
    amounts.update(oven=12, grill=13)
    look(times=2)
    assert sorted(subjects()) == ["[Orderhub] the hub: grill is at 13", "[Orderhub] the hub: oven is at 12"]


def test_that_it_is_over_is_sent_once_when_it_has_been_quiet_for_a_while(rule, amounts):
    amounts["oven"] = 12
    look()
    amounts.clear()
    look(times=3)
    assert len(subjects()) == 1
    quiet_for_long()
    look(times=3)
    assert subjects()[1:] == ["[Orderhub] Over: the hub: oven is at 12"]
    assert not Incident.objects.ongoing().exists()


def test_an_amount_that_comes_and_goes_is_one_incident(rule, amounts):
    for _ in range(3):
        amounts["oven"] = 12
        look()
        amounts.clear()
        look()
    assert (len(subjects()), Incident.objects.count()) == (1, 1)


def test_an_incident_is_reported_as_it_was_at_its_worst(rule, amounts):
    for amount in (12, 40, 15):
        amounts["oven"] = amount
        look()
    incident = Incident.objects.get()
    assert (incident.most, incident.said) == (40, "oven is at 40. Look at it.")


def test_a_rule_that_is_switched_off_ends_its_incidents(rule, amounts):
    amounts["oven"] = 12
    look()
    AlertRule.objects.update(active=False)
    look()
    quiet_for_long()
    look()
    assert not Incident.objects.ongoing().exists()
    look()
    assert Incident.objects.count() == 1


def test_a_rule_is_evaluated_once_per_interval(rule, amounts):
    Alerting().run()
    amounts["oven"] = 12
    Alerting().run()
    assert not Incident.objects.exists()
    assert not Alerting().due()


def test_mail_that_does_not_arrive_is_tried_again_and_said_to_be_late(rule, amounts, monkeypatch):
    amounts["oven"] = 12
    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.EmailMessage.send", refuse)
        look()
    message = AlertMessage.objects.get()
    assert (message.tries, message.sent_at) == (1, None)
    assert "mailbox is full" in message.error
    assert message.due_at > DatabaseClock().now()
    due_again()
    look()
    assert AlertMessage.objects.get().sent_at is not None
    assert len(subjects()) == 1


def refuse(self, *args, **kwargs):
    raise smtplib.SMTPResponseException(452, "the mailbox is full")


def test_a_message_is_given_up_after_the_last_try(rule, amounts, monkeypatch, settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [1, 2]
    amounts["oven"] = 12
    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    for _ in range(5):
        look()
        due_again()
    message = AlertMessage.objects.get()
    assert (message.tries, message.due_at, message.sent_at) == (3, None, None)


def test_the_end_is_not_sent_before_the_beginning(rule, amounts, monkeypatch):
    amounts["oven"] = 12
    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.EmailMessage.send", refuse)
        look()
        amounts.clear()
        look()
        quiet_for_long()
        look()
    assert AlertMessage.objects.filter(due_at__isnull=False).count() == 2
    due_again()
    look(times=2)
    assert [one.startswith("[Orderhub] Over") for one in subjects()] == [False, True]


def test_without_a_mail_server_the_message_says_what_to_set(rule, amounts, settings):
    settings.HUB_EMAIL_URL = ""
    amounts["oven"] = 12
    look()
    assert AlertMessage.objects.get().error == "the hub has no mail server: set HUB_EMAIL_URL"


def test_a_webhook_gets_it_signed_with_one_id_over_all_tries(db, amounts, settings):
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    answers = [answer(status="500 Oops"), answer(status="202 Accepted")]
    amounts["oven"] = 12
    with wire_server(lambda connection, request: connection.sendall(answers.pop(0))) as server:
        rule = AlertRule.objects.create(kind="heat", threshold=10, webhook_url=f"{server.url}/alerts")
        secret = messages.make_signing_secret(rule)
        look()
        assert AlertMessage.objects.get().error == "the webhook answered 500"
        due_again()
        look()
    heads, bodies = zip(*(parsed(one) for one in server.requests), strict=True)
    assert heads[0]["webhook-id"] == heads[1]["webhook-id"]
    told = [Webhook(secret).verify(body, head) for head, body in zip(heads, bodies, strict=True)]
    assert told[0] == told[1]
    assert told[0]["type"] == "alert.opened"
    assert told[0]["data"]["said"] == "oven is at 12. Look at it."
    assert (told[0]["data"]["amount"], told[0]["data"]["threshold"]) == (12, 10)
    assert AlertMessage.objects.get().sent_at is not None


def parsed(request):
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.decode().split(": ", 1) for line in head.split(b"\r\n")[1:]]
    return {name.lower(): value for name, value in lines}, json.loads(body) and body


def test_a_webhook_whose_secret_is_lost_reports_it(db, amounts):
    amounts["oven"] = 12
    AlertRule.objects.create(kind="heat", threshold=10, webhook_url="https://alerts.example.com/")
    look()
    assert "is not stored. Make a new one." in AlertMessage.objects.get().error


def test_a_rule_of_a_tenant_watches_that_tenant_only(engine, by_mail):
    dead(engine)
    other = type(engine.tenant).objects.create(slug="other", name="Other", mode="events")
    AlertRule.objects.create(tenant=other, kind="dead_letters", threshold=1, emails=["ops@other.test"])
    own = AlertRule.objects.create(tenant=engine.tenant, kind="dead_letters", threshold=1, emails=["ops@acme.test"])
    look()
    assert [one.to for one in mail.outbox] == [["ops@acme.test"]]
    assert Incident.objects.get().rule == own
    assert mail.outbox[0].subject.endswith("1 event has failed for good")


def dead(engine):
    engine.put("1")
    OrderEvent.objects.update(status=OrderEvent.Status.DEAD, finished_at=DatabaseClock().now())


def test_every_measure_of_the_hub_can_be_read(engine):
    dead(engine)
    for measure in measures.measures().values():
        for whose in (None, engine.tenant.pk):
            assert all(reading.amount > 0 and reading.page.startswith("/admin/") for reading in measure.read(whose))
    assert set(measures.measures()) == {"oldest_due", "dead_letters", "stopped_destination", "not_fetched"}


def test_the_signing_secret_does_not_open_for_another_rule(db):
    first, second = (AlertRule.objects.create(kind="heat", threshold=1, webhook_url="https://a.test/") for _ in "ab")
    messages.make_signing_secret(first)
    messages.make_signing_secret(second)
    owners = [f"orders.alertrule:{rule.pk}" for rule in (first, second)]
    Secret.objects.filter(owner=owners[0]).delete()
    Secret.objects.filter(owner=owners[1]).update(owner=owners[0])
    with pytest.raises(sealing.SecretLost):
        messages.signing_secret(first)


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_open_one_incident_and_notify_once(rule, amounts):
    amounts["oven"] = 12

    def run():
        try:
            Alerting().run()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    look()
    assert (Incident.objects.count(), len(subjects())) == (1, 1)


def test_a_test_alert_says_that_nothing_is_wrong_and_leaves_no_incident(rule):
    tried = messages.try_rule(rule)
    assert [(one.step, one.ok) for one in tried] == [("Mail", True)]
    assert "This is a test of an alert: nothing is wrong" in mail.outbox[0].body
    assert not Incident.objects.exists()
