"""Filters of the admin's pages."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString

from orders import destination_labels, durations, words
from orders.models import Destination

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
    return words.ago(moment)


@register.filter
def exact(moment: datetime) -> str:
    return durations.exact(moment)


@register.filter
def offset(moment: datetime) -> str:
    return durations.offset(moment)


@register.filter
def clock(moment: datetime) -> str:
    return durations.clock(moment)


@register.filter
def length_of_time(length: timedelta) -> str:
    return durations.in_words(length)


@register.filter
def mark(word: str) -> SafeString:
    return words.mark(word)


@register.filter
def preformatted(text: str) -> SafeString:
    return words.preformatted(text)


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
