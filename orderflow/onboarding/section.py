"""Channels of the onboarding file, in its one transaction (docs/reference/onboarding-file.md#orderflow-channels).

An absent ``products`` keeps the catalogue; a product that the file does not name is left alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any

from orderflow.catalogue.products import lanes_of, put_products, resend_changed, skus_of
from orderflow.models import OrderFlowChannel, Product
from orderflow.onboarding.entries import ChannelEntries, ChannelEntry, product_of
from orderflow.site.credentials import password_of, store_password
from orders.access.sealing import MASK, SecretLost
from orders.integrations.onboarding_report import Report
from orders.models import Destination, Tenant
from orders.onboarding.fields import SENT_ELSEWHERE, to_store
from orders.onboarding.rows import hold_rows, update_row
from orders.outbox import destination_health
from orders.outgoing import same_origin

CHANNEL = "orderflow"
"""The name of the channel (Integration.channels)."""
PASSWORD_BYTES = 32
"""256 random bits, as of every secret that the hub makes."""

SETTINGS = (
    "channel", "reference", "order_path", "product_path", "product_header", "product_scope",
    "require_delivery_address", "batch_size", "time_zone", "currency_units", "import_missing_products", "on_update",
    "on_cancel", "poll_despatches_seconds", "validated",
)  # fmt: skip
"""The keys that are columns of the same name and value."""


class Channels:
    """See orders.integrations.onboarding_sections.Section."""

    annotation = ChannelEntries
    default: Sequence[ChannelEntry] = ()

    def apply(self, tenant: Tenant, value: Sequence[ChannelEntry], report: Report) -> None:
        for number, entry in enumerate(value):
            channel = _apply_channel(tenant, entry, number=number, report=report)
            if entry.products is not None:
                products = partial(_apply_products, channel, entry, report=report)
                skus = [str(given["externalReference"]) for given in entry.products]
                report.at_last(lanes_of(channel, skus), products)

    def export(self, tenant: Tenant) -> list[dict[str, Any]]:
        channels = OrderFlowChannel.objects.filter(destination__tenant=tenant).select_related("destination")
        return [_exported(channel) for channel in channels.order_by("destination__name")]


def _apply_channel(tenant: Tenant, entry: ChannelEntry, *, number: int, report: Report) -> OrderFlowChannel:
    what = _name(tenant, entry.id)
    destination = Destination.objects.filter(tenant=tenant, channel=CHANNEL, name=entry.id).first()
    destination = destination or Destination(tenant=tenant, channel=CHANNEL, name=entry.id)
    switched = update_row(destination, f"destination {what}", {"active": entry.active}, report)
    if disabled := destination.only_probes:
        hold_rows(Destination, report)
    channel = OrderFlowChannel.objects.filter(destination=destination).select_related("destination").first()
    channel = channel or OrderFlowChannel(destination=destination)
    given = to_store(entry.auth.password)
    if channel.pk and given is None and not same_origin(channel.base_url, entry.base_url):
        report.refuse("orderflow_channels", number, "auth", "password", because=SENT_ELSEWHERE)
    changed = update_row(channel, what, _values(entry), report)
    new_secret = _apply_password(channel, given, what=what, report=report)
    if not (switched or changed or new_secret):
        report.unchanged(what)
    if (changed or new_secret) and disabled:
        destination_health.resume(destination, who="onboarding", reason="the channel's settings changed")
        report.effect(f"Sending to {channel}, which had stopped, goes on.")
    if changed:
        report.at_last(lanes_of(channel, skus_of(channel)), partial(_resend_changed, channel, report))
    if switched and not destination.active:
        report.effect(
            f"Nothing more is sent to {channel}; its pending deliveries are kept until it is switched on again."
        )
    return channel


def _resend_changed(channel: OrderFlowChannel, report: Report) -> None:
    if count := resend_changed(channel):
        words = "1 product is" if count == 1 else f"{count} products are"
        report.effect(f"{words} sent to {channel} again, with the new settings.")


def _name(tenant: Tenant, name: str) -> str:
    return f"OrderFlow channel {tenant.slug}/{name}"


def _values(entry: ChannelEntry) -> dict[str, Any]:
    return {
        "base_url": entry.base_url,
        "organisation": entry.organisation or "",
        "auth_type": entry.auth.type,
        "username": entry.auth.username,
        "business_units": None if entry.business_units is None else list(entry.business_units),
        "item_patterns": list(entry.item_patterns),
        "properties": dict(entry.properties),
        **{name: getattr(entry, name) for name in SETTINGS},
    }


def _apply_password(channel: OrderFlowChannel, given: str | None, *, what: str, report: Report) -> bool:
    """Store the file's password, or make one for a new channel. Returns whether it changed."""
    stored = _stored(channel)
    if given is None and stored is None:
        made = secrets.token_urlsafe(PASSWORD_BYTES)
        store_password(channel, made)
        report.made_secret(what, "auth.password", made)
        return True
    if given is None or given == stored:
        return False
    store_password(channel, given)
    if stored is not None:
        report.changed(what, "auth.password", MASK, MASK)
    return True


def _stored(channel: OrderFlowChannel) -> str | None:
    """The stored password, None when there is none; MASK for one that cannot be opened, which is kept."""
    try:
        return password_of(channel)
    except SecretLost:
        return MASK


def _apply_products(channel: OrderFlowChannel, entry: ChannelEntry, *, report: Report) -> None:
    products = {str(given["externalReference"]): product_of(given) for given in entry.products or ()}
    known = set(Product.objects.filter(channel=channel, sku__in=products).values_list("sku", flat=True))
    changed = put_products(channel, products)
    place = f"{channel.destination.tenant.slug}/{entry.id}"
    for sku in changed:
        if sku in known:
            report.changed(f"product {place}/{sku}", "properties", "as they were", "as in the file")
        else:
            report.created(f"product {place}/{sku}")


def _exported(channel: OrderFlowChannel) -> dict[str, Any]:
    return {
        "id": channel.destination.name,
        "active": channel.destination.active,
        "base_url": channel.base_url,
        "organisation": channel.organisation or None,
        "auth": {"type": channel.auth_type, "username": channel.username, "password": MASK},
        "business_units": channel.business_units,
        "item_patterns": list(channel.item_patterns),
        "properties": dict(channel.properties),
        **{name: getattr(channel, name) for name in SETTINGS},
        "products": [dict(product.properties) for product in channel.products.order_by("sku")],
    }
