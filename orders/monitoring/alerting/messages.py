"""Send messages of incidents by mail and by webhook; failed ones are retried on the schedule of deliveries.

A message is claimed by advancing its due time, so it is due again when the process dies while sending. Webhooks are
signed after Standard Webhooks and keep their id over all attempts, so receivers can drop repeats.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPAuthenticationError
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.timezone import localtime

from orders.access import sealing
from orders.database.clock import DatabaseClock
from orders.database.ids import webhook_id
from orders.models import AlertMessage, AlertRule, Incident
from orders.outgoing import Call, Deadline, OutgoingError, send, signing
from orders.queueing.retry_schedule import JITTER, next_try

CALL_SECONDS = 10.0
"""Limit of a whole call to an alert's webhook: a chat answers at once, and other messages wait meanwhile."""
CLAIMED_FOR = timedelta(seconds=60)
"""Longer than a mail server and a webhook together may take."""
BATCH = 20
"""Messages sent per turn."""
SECRET = "alert signing secret"


class NotSent(Exception):
    """The message was not accepted; the text says why."""


def due_messages(now: datetime) -> list[AlertMessage]:
    """The due messages; that an incident is over is never sent before that it began."""
    unsent = AlertMessage.objects.filter(incident=OuterRef("incident"), way=OuterRef("way"), due_at__isnull=False)
    opened = Exists(unsent.filter(occasion=AlertMessage.Occasion.OPENED))
    too_early = Q(occasion=AlertMessage.Occasion.RECOVERED) & opened
    due = AlertMessage.objects.filter(due_at__lte=now).exclude(too_early)
    rows = due.select_related("incident__rule__tenant")
    return list(rows.order_by("due_at")[:BATCH])


def deliver(message: AlertMessage) -> None:
    """Claim, send, record. Never called inside a transaction."""
    now = DatabaseClock().now()
    mine = AlertMessage.objects.filter(pk=message.pk, due_at=message.due_at).update(due_at=now + CLAIMED_FOR)
    if not mine:
        return
    try:
        send_message(message)
    except NotSent as failure:
        tries = message.tries + 1
        due = next_try(settings.HUB_DELIVERY_RETRY_SCHEDULE, tries, now=now, jitter=JITTER)
        AlertMessage.objects.filter(pk=message.pk).update(tries=tries, due_at=due, error=str(failure)[:500])
    else:
        sent = {"sent_at": DatabaseClock().now(), "due_at": None, "error": ""}
        AlertMessage.objects.filter(pk=message.pk).update(tries=message.tries + 1, **sent)


def send_message(message: AlertMessage) -> None:
    """Raises NotSent."""
    if message.way == AlertMessage.Way.MAIL:
        _mail(message)
    else:
        _post(message)


def _mail(message: AlertMessage) -> None:
    if not settings.HUB_EMAIL_URL:
        raise NotSent("the hub has no mail server: set HUB_EMAIL_URL")
    incident = message.incident
    over = message.occasion == AlertMessage.Occasion.RECOVERED
    subject = f"[Orderhub] {'Over: ' if over else ''}{_headline(incident)}"
    mail = EmailMessage(" ".join(subject.split())[:200], _text(incident, over=over), to=list(incident.rule.emails))
    mail.extra_headers = {"Message-ID": f"<{message.pk}@orderhub>", "Auto-Submitted": "auto-generated"}
    try:
        with get_connection() as mail.connection:
            mail.send()
    except SMTPAuthenticationError as refused:
        words = f"the mail server refuses the hub's login ({refused.smtp_code}): look at HUB_EMAIL_URL"
        raise NotSent(words) from None  # the server's own words may repeat the login
    except OSError as failure:  # SMTPException is one
        raise NotSent(f"the mail server did not accept it: {failure}") from failure


def _headline(incident: Incident) -> str:
    whose = incident.rule.tenant.name if incident.rule.tenant else "the hub"
    return f"{whose}: {incident.said.partition('. ')[0]}"


def _text(incident: Incident, *, over: bool) -> str:
    zone = incident.rule.tenant.zone if incident.rule.tenant else None
    began = localtime(incident.began_at, zone)
    lines = [incident.said, "", f"Since {began:%Y-%m-%d %H:%M:%S %z}."]
    if over and incident.ended_at:
        lines = [f"Over since {localtime(incident.ended_at, zone):%Y-%m-%d %H:%M:%S %z}. It was:", "", *lines]
    return "\n".join([*lines, f"Open: {settings.HUB_PUBLIC_URL}{incident.page}", ""])


def _post(message: AlertMessage) -> None:
    rule = message.incident.rule
    body = json.dumps(envelope(message), ensure_ascii=False).encode()
    identity, stamp = webhook_id(message.pk), int(time.time())
    headers = {"Content-Type": "application/json", "webhook-id": identity, "webhook-timestamp": str(stamp)}
    try:
        headers["webhook-signature"] = signing.sign(
            body, message_id=identity, timestamp=stamp, secrets=[signing_secret(rule)]
        )
        call = Call(
            "POST", rule.webhook_url, headers=headers, body=body, destination=f"alert:{rule.pk}", limit=65_536,
            needs_body_of=(),
        )  # fmt: skip
        answer = send(call, deadline=Deadline.after(CALL_SECONDS))
    except (OutgoingError, sealing.SecretLost) as failure:
        raise NotSent(str(failure)) from failure
    if not 200 <= answer.status < 300:
        raise NotSent(f"the webhook answered {answer.status}")


def envelope(message: AlertMessage) -> dict[str, Any]:
    """The body of the webhook: the incident, without personal data."""
    incident = message.incident
    rule = incident.rule
    return {
        "type": f"alert.{message.occasion if incident.pk else 'test'}",
        "timestamp": incident.began_at.isoformat(),
        "data": {
            "incidentId": str(incident.pk or message.pk),
            "kind": rule.kind,
            "subject": incident.subject,
            "tenantId": rule.tenant.slug if rule.tenant else None,
            "said": incident.said,
            "amount": incident.most,
            "threshold": rule.threshold,
            "beganAt": incident.began_at.isoformat(),
            "endedAt": incident.ended_at.isoformat() if incident.ended_at else None,
            "page": f"{settings.HUB_PUBLIC_URL}{incident.page}",
        },
    }


def signing_secret(rule: AlertRule) -> str:
    """The rule's signing secret. Raises SecretLost when none is stored or it cannot be opened."""
    secret = sealing.open_secret(tenant_id=rule.tenant_id, kind=SECRET, owner=_owner(rule))
    if secret is None:
        raise sealing.SecretLost(f"The {SECRET} of the rule {rule.pk} is not stored. Make a new one.")
    return secret


def has_signing_secret(rule: AlertRule) -> bool:
    """Whether one is stored, even if it cannot be opened."""
    return sealing.has_secret(tenant_id=rule.tenant_id, kind=SECRET, owner=_owner(rule))


def _owner(rule: AlertRule) -> str:
    return f"orders.alertrule:{rule.pk}"


def make_signing_secret(rule: AlertRule) -> str:
    """A new secret, to be shown once; it replaces the old one at once."""
    secret = signing.make_secret()
    sealing.store_secret(tenant_id=rule.tenant_id, kind=SECRET, owner=_owner(rule), value=secret)
    return secret


@dataclass(frozen=True, slots=True)
class MessageAttempt:
    """The result of a test message by one way."""

    step: str
    ok: bool
    ms: int
    detail: str


def try_rule(rule: AlertRule) -> list[MessageAttempt]:
    """Send a test message by every way of the rule now. Calls the network: never inside a transaction."""
    said = "This is a test of an alert: nothing is wrong. You will get a message like this when something is."
    page = reverse("admin:orders_alertrule_change", args=(rule.pk,))
    incident = Incident(
        rule=rule, subject="test", said=said, page=page, most=rule.threshold, began_at=DatabaseClock().now()
    )
    return [
        _tried(AlertMessage(incident=incident, occasion=AlertMessage.Occasion.OPENED, way=way)) for way in ways(rule)
    ]


def _tried(message: AlertMessage) -> MessageAttempt:
    began = time.monotonic()
    try:
        send_message(message)
        ok, detail = True, "sent"
    except NotSent as failure:
        ok, detail = False, str(failure)
    return MessageAttempt(AlertMessage.Way(message.way).label, ok, round(1000 * (time.monotonic() - began)), detail)


def ways(rule: AlertRule) -> list[str]:
    """The ways in which the rule sends messages: mail, webhook."""
    named = ((AlertMessage.Way.MAIL, rule.emails), (AlertMessage.Way.WEBHOOK, rule.webhook_url))
    return [way for way, whom in named if whom]
