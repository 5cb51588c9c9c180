"""Problems that need a person: one sentence each with cause, consequence and next step, worst first.

This module has the core's own problems; integrations add theirs (``Integration.attention``). ``tenant_id`` is the
tenant that the reader is bound to, or None for the hub's own staff.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import IntegerField, Model, OneToOneRel, OuterRef, QuerySet, Subquery
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.text import Truncator

from orders.integrations import integrations
from orders.integrations.console import Attention, PageLink
from orders.models import Delivery, Destination, Lane, OrderEvent, OrderRelease
from orders.outbox.destination_labels import channel_label, state_in_words
from orders.values.time_text import in_words

COUNTED_MOST = 10_000
"""A larger count is shown as "more than"; counting further would read all rows."""
RELEASE_AFTER = timedelta(hours=1)
"""Far longer than the release of 100,000 orders takes."""
CAUSES_FROM = 200
"""The newest dead rows whose causes are counted."""


class CappedCount(Subquery):
    """How many rows a correlated query that ends with ``[:COUNTED_MOST + 1]`` finds."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS capped)"
    output_field = IntegerField()


def problems(tenant_id: int | None, *, quoting: bool = True) -> list[Attention]:
    """All problems, worst first. Without ``quoting`` no failure is quoted: partners' words may name people."""
    found = [*_destinations(tenant_id), *_dead(tenant_id, quoting=quoting), *_releases(tenant_id)]
    for one in integrations():
        found += one.attention(tenant_id)
    return sorted(found, key=lambda one: -one.harm)


def counted(count: int, one: str, more: str = "") -> str:
    """``1 order``, ``7 orders``, ``more than 10,000 orders``."""
    words = one if count == 1 else more or f"{one}s"
    return f"more than {COUNTED_MOST:,} {words}" if count > COUNTED_MOST else f"{count:,} {words}"


def capped(rows: QuerySet[Any]) -> int:
    """The number of rows, up to COUNTED_MOST + 1."""
    return rows.order_by()[: COUNTED_MOST + 1].count()


def _destinations(tenant_id: int | None) -> Iterator[Attention]:
    """Destinations that are stopped, failing or paused."""
    rows = Destination.objects.filter(active=True, tenant__active=True).select_related("tenant", *_settings_rows())
    rows = rows if tenant_id is None else rows.filter(tenant=tenant_id)
    due = Lane.objects.filter(destination=OuterRef("pk"), due_at__isnull=False).order_by().values("pk")
    rows = rows.annotate(waiting=CappedCount(due[: COUNTED_MOST + 1]))
    for one in rows.exclude(state=Destination.State.RUNNING, open_seconds__isnull=True):
        waiting: int = one.waiting
        hours = (timezone.now() - (one.state_since or timezone.now())).total_seconds() / 3600
        pending = f"{counted(waiting, 'order')} pending."
        yield Attention(
            f"{one.tenant.name} to {channel_label(one)} {one.name}: {state_in_words(one)} {pending} {_next_step(one)}",
            reverse("admin:orders_destination_change", args=(one.pk,)),
            harm=(1 + waiting) * (1 + hours),
            open_words="Open the destination",
            more=_settings_button(one),
            stopped=one.state == Destination.State.STOPPED,
        )


def _releases(tenant_id: int | None) -> Iterator[Attention]:
    """Releases that have not ended for RELEASE_AFTER: very large ones, and those that fail again and again."""
    late = OrderRelease.objects.filter(finished_at=None, created_at__lte=timezone.now() - RELEASE_AFTER)
    late = late.filter(tenant__active=True).select_related("tenant").order_by("pk")
    for one in late if tenant_id is None else late.filter(tenant=tenant_id):
        age = timezone.now() - one.created_at
        yield Attention(
            f"{one.tenant.name}: a release of known orders began {in_words(age)} ago and has not ended; "
            f"{counted(one.released, 'order')} released so far. If that number does not grow, it fails: look for "
            "“periodic work failed” in the outbound worker's log and correct what it names; it goes on by itself.",
            reverse("admin:orders_tenant_cutover", args=(one.tenant_id,)),
            harm=1 + age.total_seconds() / 3600,
            open_words="Open the cut-over",
        )


def _next_step(destination: Destination) -> str:
    match destination.state:
        case Destination.State.STOPPED:
            return "Correct its settings, then probe it."
        case Destination.State.PAUSED:
            return "Resume it when the reason for the pause is over."
    return "Sending continues by itself when the other side answers; ask them if it lasts."


def _settings_rows() -> list[str]:
    """Names of the relations to the integrations' settings rows of a destination: a supplier, a channel."""
    ones = (one for one in Destination._meta.related_objects if isinstance(one, OneToOneRel))
    return [str(one.get_accessor_name()) for one in ones]


def _settings_button(destination: Destination) -> tuple[PageLink, ...]:
    for name in _settings_rows():
        row: Model | None = getattr(destination, name, None)
        if row is None:
            continue
        try:
            url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=(row.pk,))
        except NoReverseMatch:
            continue
        return (PageLink("Correct its settings", url),)
    return ()


def _dead(tenant_id: int | None, *, quoting: bool) -> Iterator[Attention]:
    kinds = (
        (OrderEvent.objects.dead(), ("event", "events"), "admin:orders_orderevent_changelist", "received_at"),
        (Delivery.objects.dead(), ("delivery", "deliveries"), "admin:orders_delivery_changelist", "created_at"),
    )
    for dead, (one, more), page, since in kinds:
        rows = dead if tenant_id is None else dead.filter(tenant=tenant_id)
        count = capped(rows)
        if count:
            oldest: datetime = rows.order_by("pk").values_list(since, flat=True)[0]
            age = timezone.now() - oldest
            yield Attention(
                f"{counted(count, one, more)} failed for good, the oldest {in_words(age)} ago{_causes(rows, quoting)} "
                "See in the preview what a retry would do, then retry or discard.",
                f"{reverse(page)}?status=dead",
                harm=count * (1 + age.total_seconds() / 3600),
                open_words=f"Look at the dead {one if count == 1 else more}",
                more=(PageLink("See them by cause", reverse("admin:orders_repairrun_dead")),),
            )


def _causes(rows: QuerySet[Any], quoting: bool) -> str:
    """``, one cause: "…".`` of the newest CAUSES_FROM rows."""
    causes = Counter(rows.order_by("-pk").values_list("error", flat=True)[:CAUSES_FROM])
    words = "one cause" if len(causes) == 1 else f"{len(causes)} different causes"
    most = Truncator(causes.most_common(1)[0][0].rstrip(".")).chars(120)
    if not (quoting and most):
        return f", {words}."
    return f", {words}: “{most}”." if len(causes) == 1 else f", {words}, most often “{most}”."
