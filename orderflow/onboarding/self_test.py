"""The self-test of warehouses (orders.onboarding.self_test): the XML dry run, and a question that changes nothing.

The dry run writes the import of a sample order that no warehouse gets. The question is for an order that nobody has:
OrderFlow's answer proves address, login and channel.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any

from django.utils import timezone

from orderflow.imports.payloads import Snapshot, draw
from orderflow.models import OrderFlowChannel
from orderflow.site.client import site_of
from orderflow.site.import_documents import NotSendable, document
from orderflow.site.reports import Trouble
from orders.documents import load, render
from orders.integrations.self_test import CHECK_ID, Trial, TrialResult, failed, not_applicable, ok
from orders.models import Tenant
from orders.outgoing import Deadline

AREA = "warehouses"
ASK_SECONDS = 15.0
"""A question about one order, not an import: a site that takes longer is ill."""


def trials(tenant: Tenant, *, who: str) -> Generator[Trial, None, None]:
    channels = OrderFlowChannel.objects.filter(destination__tenant=tenant).select_related("destination__tenant")
    for channel in channels:
        yield Trial(AREA, f"XML dry run of {channel}", partial(_dry_run, channel))
        yield Trial(AREA, f"login and channel of {channel}", partial(_asked, channel))
    if not channels:
        yield Trial(AREA, "XML dry run", lambda: not_applicable("The tenant has no OrderFlow channel."))


def _dry_run(channel: OrderFlowChannel) -> TrialResult:
    if not channel.item_patterns:
        return not_applicable(f"The channel {channel} takes no items: it has no item patterns.")
    snapshot = Snapshot.of(load(render(_sample(channel))), received_at=timezone.now())
    try:
        body = document([draw(snapshot, channel, reference=CHECK_ID).item])
    except NotSendable as reason:
        return failed(f"A sample order cannot be written: {reason}", "Correct the channel's settings that it names.")
    return ok(f"A sample order makes a document of {len(body)} bytes; nothing was sent.")


def _sample(channel: OrderFlowChannel) -> dict[str, Any]:
    """An order with one line that the channel takes."""
    item = channel.item_patterns[0].replace("*", "SAMPLE").replace("?", "1")
    address = {
        "name": "Sample Customer", "line1": "1 Sample Street", "city": "Sampletown", "postalCode": "1000",
        "countryCode": "DK",
    }  # fmt: skip
    return {
        "customerOrderId": CHECK_ID,
        "customerId": CHECK_ID,
        "status": "CREATED",
        "currencyId": "EUR",
        "customer": {"name": "Sample Customer"},
        "deliveryAddress": address,
        "items": [{"itemId": item, "itemName": "Sample item", "quantityOrdered": 1, "unitPrice": 1}],
    }


def _asked(channel: OrderFlowChannel) -> TrialResult:
    if not channel.destination.active:
        return not_applicable(f"The channel {channel} is switched off.")
    site = site_of(channel)
    if isinstance(site, Trouble):
        return failed(site.text, f"Enter the password of the channel {channel}.")
    meaning, _ = site.detail(CHECK_ID, lines=1, deadline=Deadline.after(ASK_SECONDS))
    if isinstance(meaning, Trouble):
        return failed(
            meaning.text, f"Check base URL, channel, user and password of {channel} with the warehouse, then try again."
        )
    return ok(f"{channel.base_url} knows the login and the channel {channel.channel}.")
