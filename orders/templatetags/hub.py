"""Filters of the admin's pages."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString

from orders.models import Destination
from orders.outbox import destination_labels
from orders.values import (
    labels,
    time_text,
)

register = template.Library()

PAGES = {
    "event": "admin:orders_orderevent_change",
    "delivery": "admin:orders_delivery_change",
    "destination": "admin:orders_destination_change",
}
ICONS = {
    "events": "inbox",
    "supplier": "local_shipping",
    "warehouse": "warehouse",
    "proxy": "sync_alt",
    "operator": "person",
}


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    return labels.ago(moment)


@register.filter
def exact(moment: datetime) -> str:
    return time_text.exact(moment)


@register.filter
def offset(moment: datetime) -> str:
    return time_text.offset(moment)


@register.filter
def clock(moment: datetime) -> str:
    return time_text.clock(moment)


@register.filter
def length_of_time(length: timedelta) -> str:
    return time_text.in_words(length)


@register.filter
def mark(word: str) -> SafeString:
    return labels.mark(word)


@register.filter
def preformatted(text: str) -> SafeString:
    return labels.preformatted(text)


@register.filter
def page_of(subject: str) -> str:
    """The page of ``event:<id>``, ``delivery:<id>`` or ``destination:<pk>``; empty for anything else."""
    kind, _, pk = subject.partition(":")
    return reverse(PAGES[kind], args=(pk,)) if kind in PAGES and pk else ""


@register.filter
def icon_of(road: str) -> str:
    return ICONS.get(road, "schedule")


@register.filter
def state_mark(destination: Destination) -> SafeString:
    return destination_labels.state_mark(destination)
