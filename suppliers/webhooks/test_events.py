"""Test a supplier's webhook by hand: a test event, and a check that the receiver verifies signatures.

A test event is an ``order_created`` of no order: its case is called TEST and its token is unknown, so a receiver that
fetches it gets 404. It creates no delivery and changes neither the destination's health nor a lane.
"""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from orders.access.sealing import SecretLost
from orders.database.ids import new_id
from orders.integrations.channels import Outcome, Verdict
from orders.integrations.self_test import Step
from orders.models import Delivery, OperatorAction
from orders.outgoing import signing
from suppliers.models import Webhook
from suppliers.webhooks import webhook_secrets
from suppliers.webhooks.channel import post_event
from suppliers.webhooks.events import ORDER_CREATED, guid, minted_case, render_event
from suppliers.webhooks.webhook_secrets import Target, target_of

TEST_ORDER = "TEST"
ACCEPTED, FORGED = "a signed test event is accepted", "an event with a wrong signature is refused"


def send_test_event(webhook: Webhook, *, who: str) -> list[Step]:
    """One signed test event, now. Calls the network: never inside a transaction."""
    steps = [_accepted(webhook)]
    return _noted(webhook, "test event", steps, who=who)


def verify(webhook: Webhook, *, who: str) -> list[Step]:
    """Send a signed test event, then one with a wrong signature: a receiver that accepts both does not verify."""
    steps = [_accepted(webhook)]
    if steps[0].ok:
        steps.append(_forged(webhook))
    return _noted(webhook, "verify endpoint", steps, who=who)


def rotate_signing_secret(webhook: Webhook, *, who: str) -> str:
    """A new secret, to be shown once; the old one signs beside it for ``webhooks.OVERLAP``."""
    with transaction.atomic():
        locked = Webhook.objects.select_for_update().get(pk=webhook.pk)
        secret = webhook_secrets.set_signing_secret(locked)
        _note(locked, "rotate signing secret", "rotated", who=who)
    return secret or ""


def _accepted(webhook: Webhook) -> Step:
    try:
        target = target_of(webhook, now=timezone.now())
    except SecretLost as lost:
        return Step(ACCEPTED, ok=False, ms=0, detail=str(lost))
    outcome, milliseconds = _post(webhook, target)
    return Step(ACCEPTED, outcome.verdict is Verdict.DELIVERED, milliseconds, _said(outcome))


def _forged(webhook: Webhook) -> Step:
    """Only a refusal by the receiver counts; no answer proves nothing."""
    target = replace(target_of(webhook, now=timezone.now()), secrets=(signing.make_secret(),))
    outcome, milliseconds = _post(webhook, target)
    status = outcome.response_status
    if status is not None and 400 <= status < 500:
        return Step(FORGED, True, milliseconds, f"The receiver refused it with {status}, as it should.")
    if status is not None and 200 <= status < 300:
        words = f"The receiver took it with {status}: it does not verify signatures. Anybody could send it events."
        return Step(FORGED, False, milliseconds, words)
    return Step(FORGED, False, milliseconds, f"That proves nothing: {_said(outcome)}")


def _post(webhook: Webhook, target: Target) -> tuple[Outcome, int]:
    tenant = webhook.supplier.tenant
    case = minted_case(TEST_ORDER, case_uuid=uuid4(), token=uuid4(), case_type=tenant.case_type)
    body = render_event(ORDER_CREATED, case=case, order_token=guid(uuid4()), made_at=timezone.now())
    event = Delivery(
        id=new_id(), destination=webhook.destination, tenant=tenant, kind=ORDER_CREATED, payload=body, position=0,
        correlation_id=case.correlation_id,
    )  # fmt: skip
    began = time.monotonic()
    outcome = post_event(event, target, destination=webhook.destination)
    return outcome, round((time.monotonic() - began) * 1000)


def _said(outcome: Outcome) -> str:
    return f"{outcome.detail} {outcome.response_cut[:200]}".strip()


def _noted(webhook: Webhook, action: str, steps: list[Step], *, who: str) -> list[Step]:
    _note(webhook, action, "ok" if all(step.ok for step in steps) else "failed", who=who)
    return steps


def _note(webhook: Webhook, action: str, outcome: str, *, who: str) -> None:
    OperatorAction.objects.create(
        tenant_id=webhook.supplier.tenant_id, who=who, action=action, outcome=outcome,
        subject=f"destination:{webhook.destination_id}",
    )  # fmt: skip
