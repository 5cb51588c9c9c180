"""Supplier webhooks as a channel: one signed POST per event (docs/reference/supplier-events.md#webhook-delivery)."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models.functions import Now
from django.utils import timezone

from orders.access import sealing
from orders.database.bulk_sql import Columns
from orders.database.ids import webhook_id
from orders.integrations.channels import LEASE_MARGIN_SECONDS, Outcome, Request, Verdict
from orders.models import Delivery, Destination, Tenant
from orders.outgoing import Answer, Call, Deadline, OutgoingError, send, signing
from orders.outgoing.partner_tokens import PartnerTokenError, TokenRefused, send_authorized
from orders.values.order_key import OrderKey
from orders.values.storable_text import response_cut
from suppliers.models import SupplierPart, Webhook
from suppliers.webhooks.events import ORDER_CANCELLED, ORDER_CREATED
from suppliers.webhooks.outcomes import GONE, outcome_of_answer, outcome_of_error
from suppliers.webhooks.planner import SupplierPlanner
from suppliers.webhooks.webhook_secrets import Target, target_of

CALL_SECONDS = 30.0
"""Whole-call limit of a webhook, its token fetch included (docs/reference/supplier-events.md#webhook-delivery)."""
REMEMBER_SECONDS = 2.0
"""How long a process keeps a webhook's address and opened secrets: a change takes effect well within 5 s."""
RESPONSE_LIMIT_BYTES = 65_536
"""A receiver's answer is read only for its first lines."""


class SupplierWebhooks:
    """See orders.integrations.channels.Channel."""

    lease_seconds = CALL_SECONDS + LEASE_MARGIN_SECONDS

    def __init__(self) -> None:
        self._targets: dict[int, tuple[float, Target]] = {}

    def planner(self, tenant: Tenant, keys: Sequence[OrderKey]) -> SupplierPlanner:
        return SupplierPlanner(tenant, keys)

    def holds_lane(self, kind: str) -> bool:
        """Nothing may reach a supplier before the order_created that names the token."""
        return kind == ORDER_CREATED

    def batch_size(self, destination: Destination) -> int:
        return 1

    def group(self, destination: Destination, heads: Sequence[Delivery]) -> Iterable[Request]:
        """One request per head; if the webhook cannot be called, the request's context has the reason."""
        context = self._context(destination)
        return [Request(destination, [head], dict(context)) for head in heads]

    def send(self, request: Request) -> Sequence[Outcome]:
        if "fault" in request.context:
            return [Outcome(Verdict.MISCONFIGURED, request.context["fault"])]
        return [post_event(request.deliveries[0], request.context["target"], destination=request.destination)]

    def recorded(self, outcomes: Sequence[tuple[Delivery, Outcome]]) -> None:
        """Store on the parts that the suppliers were notified, and whether a fetch is still missing.

        A receiver may fetch before it answers, so a fetch after the event was made counts.
        """
        notified: dict[UUID, tuple[datetime, datetime]] = {}
        for delivery, outcome in outcomes:
            if outcome.response_status == GONE and outcome.verdict is Verdict.MISCONFIGURED:
                _disable(delivery.destination_id, outcome.detail)
            if outcome.verdict is Verdict.DELIVERED and delivery.reference:
                notified[UUID(delivery.reference)] = (delivery.created_at, delivery.finished_at or timezone.now())
        SupplierPart.hold(order_token__in=notified)
        _PART.execute(_NOTE_NOTIFIED, [(token, *times) for token, times in sorted(notified.items())])

    def discarded(self, deliveries: Sequence[Delivery]) -> None:
        """A supplier that never received an order_created gets it with the next change.

        For one that did, the last required state is cleared, so that the next change sends the present state, and a
        cancellation again if that was discarded.
        """
        tokens = {UUID(one.reference) for one in deliveries if one.reference}
        SupplierPart.hold(order_token__in=tokens)
        parts = SupplierPart.objects.filter(order_token__in=tokens)
        if any(one.kind == ORDER_CREATED for one in deliveries):
            parts.filter(told_at__isnull=True).update(owed_sequence=SupplierPart.NEVER_OWED)
        sequences = [one.sequence for one in deliveries]
        known = parts.filter(told_at__isnull=False)
        known.filter(owed_sequence__in=sequences).update(owed_digest="")
        cancellations = [one.sequence for one in deliveries if one.kind == ORDER_CANCELLED]
        known.filter(owed_sequence__in=cancellations).update(owed_cancelled=False, owed_lines=True)

    def _context(self, destination: Destination) -> dict[str, object]:
        now = time.monotonic()
        until, target = self._targets.get(destination.pk, (0.0, None))
        if target is not None and now < until:
            return {"target": target}
        try:
            webhook = Webhook.objects.select_related("supplier").get(destination=destination)
            target = target_of(webhook, now=timezone.now())
        except Webhook.DoesNotExist:
            return {"fault": "The supplier has no webhook any more; name one in the onboarding file, or discard these."}
        except sealing.SecretLost as lost:
            return {"fault": str(lost)}
        self._targets[destination.pk] = (now + REMEMBER_SECONDS, target)
        return {"target": target}


_PART = Columns(SupplierPart, "order_token", "created_at", "told_at")
_NOTE_NOTIFIED = """
    WITH done (token, event_made_at, now) AS ({rows})
    UPDATE suppliers_supplierpart SET told_at = done.now, unfetched_since =
        CASE WHEN fetched_at >= done.event_made_at THEN unfetched_since ELSE coalesce(unfetched_since, done.now) END
    FROM done WHERE order_token = done.token
"""


def _disable(destination_id: int, reason: str) -> None:
    """Pause an endpoint that answered 410: it is not probed; sending resumes when its settings have a new address."""
    running = Destination.objects.filter(pk=destination_id).exclude(state=Destination.State.PAUSED)
    running.update(state=Destination.State.PAUSED, state_reason=reason, state_since=Now(), probe_at=None)


def post_event(delivery: Delivery, target: Target, *, destination: Destination) -> Outcome:
    """Send one signed POST. Makes no query and never raises for what a receiver does."""
    deadline = Deadline.after(CALL_SECONDS)
    call = Call(
        "POST",
        target.url,
        headers=webhook_headers(delivery, target),
        body=delivery.payload.encode(),
        destination=f"supplier:{destination.pk}",
        correlation_id=delivery.correlation_id,
        limit=RESPONSE_LIMIT_BYTES,
        needs_body_of=(),
    )
    try:
        return outcome_of_answer(_sent(call, target, deadline=deadline), now=timezone.now())
    except TokenRefused as refused:
        return Outcome(
            Verdict.MISCONFIGURED, f"{refused}. Correct the webhook's clientId and clientSecret.", *_seen(refused)
        )
    except PartnerTokenError as failed:
        return Outcome(Verdict.UNAVAILABLE, str(failed), *_seen(failed), counts_for_breaker=True)
    except OutgoingError as error:
        return outcome_of_error(error)


def _sent(call: Call, target: Target, *, deadline: Deadline) -> Answer:
    if target.credentials is None:
        return send(call, deadline=deadline)
    return send_authorized(call, credentials=target.credentials, deadline=deadline)


def _seen(error: PartnerTokenError) -> tuple[int, str]:
    """Status and cut of the token endpoint's answer."""
    return error.answer.status, response_cut(error.answer.shown)


def webhook_headers(delivery: Delivery, target: Target) -> dict[str, str]:
    """The headers of one attempt: the id is the delivery's, time and signature are of the attempt."""
    timestamp = int(time.time())
    signature = signing.sign(
        delivery.payload.encode(), message_id=webhook_id(delivery.pk), timestamp=timestamp, secrets=target.secrets
    )
    headers = {
        "Content-Type": "application/json",
        "webhook-id": webhook_id(delivery.pk),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
        "Orderhub-Sequence": str(delivery.sequence),
        "Orderhub-Attempt": str(delivery.attempts + 1),
    }
    if target.login is not None:
        login = ":".join(target.login).encode()
        headers["Authorization"] = "Basic " + base64.b64encode(login).decode()
    return headers
