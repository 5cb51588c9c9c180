"""Filters of the admin's pages."""

from __future__ import annotations

from django import template
from django.urls import reverse

from orders.outbox import destination_labels
from orders.values import labels, time_text

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

register.filter("ago", labels.ago)
register.filter("exact", time_text.exact)
register.filter("offset", time_text.offset)
register.filter("clock", time_text.clock)
register.filter("length_of_time", time_text.in_words)
register.filter("mark", labels.mark)
register.filter("preformatted", labels.preformatted)
register.filter("state_mark", destination_labels.state_mark)


@register.filter
def page_of(subject: str) -> str:
    """The page of ``event:<id>``, ``delivery:<id>`` or ``destination:<pk>``; empty for anything else."""
    kind, _, pk = subject.partition(":")
    return reverse(PAGES[kind], args=(pk,)) if kind in PAGES and pk else ""


@register.filter
def icon_of(source: str) -> str:
    return ICONS.get(source, "schedule")


@register.filter
def thousands(number: int) -> str:
    """``1,234``"""
    return f"{number:,}"
