"""What can be done with a supplier's endpoint beside pausing it. Named in ``settings.DESTINATION_LINKS``."""

from __future__ import annotations

from django.urls import reverse

from orders.admin.deliveries.destination_page import Button
from orders.models import Destination
from suppliers.models import Webhook
from suppliers.webhooks import webhook_secrets


def buttons(destination: Destination) -> list[Button]:
    webhook = Webhook.objects.filter(destination=destination).first()
    if webhook is None:
        return []
    hours = round(webhook_secrets.OVERLAP.total_seconds() / 3600)
    return [
        Button(
            "Send a test event",
            "A signed order_created of no order goes there now; what comes back is shown. Nothing is owed by it.",
            _page("send_test_event", webhook),
        ),
        Button(
            "Verify the endpoint",
            "A signed test event must be accepted, then one with a wrong signature must be refused.",
            _page("verify_endpoint", webhook),
        ),
        Button(
            "Rotate the signing secret",
            f"A new secret is made and shown once. The present one signs beside it for {hours} hours.",
            _page("rotate_secret", webhook),
        ),
        Button("Open the webhook", "Its address, events and credentials.", _page("change", webhook)),
    ]


def _page(name: str, webhook: Webhook) -> str:
    return reverse(f"admin:suppliers_webhook_{name}", args=(webhook.pk,))
