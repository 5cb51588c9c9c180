"""Apply and export a webhook of the onboarding file: its row, its destination, its secrets."""

from __future__ import annotations

import secrets
from typing import Any

from orders.access.sealing import MASK
from orders.integrations.onboarding_report import Report
from orders.models import Destination
from orders.onboarding.fields import SENT_ELSEWHERE, to_store
from orders.onboarding.rows import hold_rows, update_row
from orders.outbox import destination_health
from orders.outgoing import same_origin
from suppliers.models import Supplier, Webhook
from suppliers.onboarding.entries import BasicAuth, NoAuth, OAuth2Auth, WebhookEntry
from suppliers.webhooks import webhook_secrets
from suppliers.webhooks.outcomes import GONE_DETAIL

CHANNEL = "supplier"
"""The name of the channel (Integration.channels)."""
PASSWORD_BYTES = 32
"""256 random bits, as a signing secret has."""


def apply(supplier: Supplier, entry: WebhookEntry | None, *, number: int, report: Report) -> None:
    """Store the webhook in the caller's transaction; without an entry it is removed and the supplier only pulls.

    ``number`` is the supplier's index in the file's list, for refusals.
    """
    webhook = Webhook.objects.filter(supplier=supplier).select_related("destination").first()
    if entry is None:
        _remove(supplier, webhook, report=report)
        return
    what = _name(supplier)
    destination = _destination(supplier, entry, report=report)
    if disabled := _is_disabled(destination):
        hold_rows(Destination, report)
    webhook = webhook or Webhook(supplier=supplier, destination=destination)
    _refuse_to_send_elsewhere(webhook, entry, number=number, report=report)
    changed = update_row(webhook, what, _values(entry), report)
    new_secret = _apply_signing_secret(webhook, entry, report=report)
    new_secret |= _apply_auth_secret(webhook, entry.auth, number=number, report=report)
    if not (changed or new_secret):
        report.unchanged(what)
    elif disabled:
        destination_health.resume(destination, who="onboarding", reason="the webhook's settings changed")
        report.effect(f"Sending to {destination.name}, which had stopped, goes on.")


def exported(webhook: Webhook) -> dict[str, Any]:
    """The webhook's entry, secrets masked."""
    auth: dict[str, Any] = {"type": webhook.auth_type, **webhook.auth_config}
    if webhook.auth_type == Webhook.AuthType.BASIC:
        auth["password"] = MASK
    if webhook.auth_type == Webhook.AuthType.OAUTH2:
        auth["clientSecret"] = MASK
    destination = webhook.destination
    return {
        "url": webhook.url,
        "events": list(webhook.events),
        "auth": auth,
        "signing_secret": MASK,
        "concurrency": destination.concurrency,
        "rate_limit_per_second": destination.rate_limit_per_second,
        "retry_schedule": destination.retry_schedule,
    }


def _name(supplier: Supplier) -> str:
    return f"webhook of supplier {supplier.tenant.slug}/{supplier.slug}"


def _values(entry: WebhookEntry) -> dict[str, Any]:
    public = entry.auth.model_dump(exclude={"type", "password", "clientSecret"}, exclude_none=True)
    return {"url": entry.url, "events": list(entry.events), "auth_type": entry.auth.type, "auth_config": public}


def _destination(supplier: Supplier, entry: WebhookEntry, *, report: Report) -> Destination:
    row = Destination.objects.filter(tenant=supplier.tenant, channel=CHANNEL, name=supplier.slug).first()
    row = row or Destination(tenant=supplier.tenant, channel=CHANNEL, name=supplier.slug)
    values = {
        "active": supplier.active,
        "concurrency": entry.concurrency,
        "rate_limit_per_second": entry.rate_limit_per_second,
        "retry_schedule": None if entry.retry_schedule is None else list(entry.retry_schedule),
    }
    update_row(row, f"destination supplier {supplier.tenant.slug}/{supplier.slug}", values, report)
    return row


def _remove(supplier: Supplier, webhook: Webhook | None, *, report: Report) -> None:
    """Remove the webhook. Its deliveries stay pending until there is one again; the supplier pulls its events."""
    if webhook is None:
        return
    hold_rows(Destination, report)
    Destination.objects.filter(pk=webhook.destination_id).update(active=False)
    webhook_secrets.forget_secrets(webhook)
    webhook.delete()
    report.changed(_name(supplier), "url", webhook.url, "none, the supplier asks for its events itself")
    report.effect(
        f"Deliveries to {supplier} stay pending until it has a webhook again; it asks for its events meanwhile."
    )


def _apply_signing_secret(webhook: Webhook, entry: WebhookEntry, *, report: Report) -> bool:
    """Store the file's secret, or make one for a new webhook. Returns whether it changed."""
    what, given = _name(webhook.supplier), to_store(entry.signing_secret)
    fresh = not webhook_secrets.has_signing_secret(webhook)
    if given is None and not fresh:
        return False
    stored = webhook_secrets.set_signing_secret(webhook, given)
    if given is None:
        report.made_secret(what, "signing_secret", stored or "")
    elif stored is not None and not fresh:
        report.changed(what, "signing_secret", MASK, MASK)
    return stored is not None


def _refuse_to_send_elsewhere(webhook: Webhook, entry: WebhookEntry, *, number: int, report: Report) -> None:
    """A stored secret, and a token got with it, goes only to the hosts for which the secret was entered."""
    auth = entry.auth
    if webhook._state.adding or webhook.auth_type != auth.type or to_store(_given(auth)) is not None:
        return
    addresses = [(webhook.url, entry.url)] if isinstance(auth, BasicAuth | OAuth2Auth) else []
    if isinstance(auth, OAuth2Auth):
        addresses.append((webhook.auth_config["authUrl"], auth.authUrl))
    if not all(same_origin(before, after) for before, after in addresses):
        member = "clientSecret" if isinstance(auth, OAuth2Auth) else "password"
        report.refuse("suppliers", number, "webhook", "auth", member, because=SENT_ELSEWHERE)


def _given(auth: NoAuth | BasicAuth | OAuth2Auth) -> str | None:
    return auth.password if isinstance(auth, BasicAuth) else auth.clientSecret if isinstance(auth, OAuth2Auth) else None


def _apply_auth_secret(webhook: Webhook, auth: NoAuth | BasicAuth | OAuth2Auth, *, number: int, report: Report) -> bool:
    """Store the file's secret. A missing password is made for the supplier; a clientSecret only the supplier has."""
    what = _name(webhook.supplier)
    fresh = not webhook_secrets.has_auth_secret(webhook)
    changed = webhook_secrets.set_auth_secret(webhook, to_store(_given(auth)))
    if webhook_secrets.has_auth_secret(webhook):
        if changed and not fresh:
            report.changed(what, "auth", MASK, MASK)
        return changed
    if isinstance(auth, OAuth2Auth):
        because = "is needed for a new oauth2 login; the supplier has it."
        report.refuse("suppliers", number, "webhook", "auth", "clientSecret", because=because)
        return False
    made = secrets.token_urlsafe(PASSWORD_BYTES)
    webhook_secrets.set_auth_secret(webhook, made)
    report.made_secret(what, "auth.password", made)
    return True


def _is_disabled(destination: Destination) -> bool:
    """Whether changed settings resume it: stopped or gone, but not paused by a person."""
    gone = destination.state == Destination.State.PAUSED and destination.state_reason == GONE_DETAIL
    return destination.only_probes or gone
