"""Deliveries with their attempts, and their destinations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.decorators import action

from orders.admin.base import EvidenceAdmin
from orders.admin.dead_letters.verbs import ORDERS_WAITING, DeadLetterAdmin, StatusFilter, Verbs
from orders.admin.deliveries import destination_page
from orders.admin.masking import DOCUMENT, FOREIGN, TEXT, MaskedInline
from orders.admin.orders import find
from orders.dead_letters import dead_deliveries
from orders.integrations.console import DestinationAction
from orders.models import Delivery, DeliveryAttempt, Destination, Lane
from orders.outbox import destination_health
from orders.outbox.destination_labels import channel_label, orders_waiting, state_in_words, state_mark
from orders.timeline.happenings import kind_words
from orders.values.labels import ago, link, mark, preformatted
from orders.values.order_key import OrderKey


class TriesOfDelivery(MaskedInline):
    """Newest last, as they were made."""

    model = DeliveryAttempt
    extra = 0
    can_delete = False
    per_page = 20
    verbose_name_plural = "Tries"
    personal = {"detail": TEXT, "response_cut": FOREIGN}
    fields = ("started", "took", "verdict", "response_status", "detail", "answer")
    readonly_fields = fields

    @admin.display(description="started")
    def started(self, attempt: DeliveryAttempt) -> SafeString | str:
        return ago(attempt.started_at)

    @admin.display(description="took")
    def took(self, attempt: DeliveryAttempt) -> str:
        return f"{attempt.duration_ms:.0f} ms"

    @admin.display(description="answer (beginning)")
    def answer(self, attempt: DeliveryAttempt) -> SafeString:
        return preformatted(attempt.response_cut)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may see the delivery may see its tries."""
        return request.user.has_perm("orders.view_delivery") or request.user.has_perm("orders.change_delivery")


@admin.register(Delivery)
class DeliveryAdmin(DeadLetterAdmin, EvidenceAdmin):
    verbs = Verbs(dead_deliveries.preview, dead_deliveries.retry, dead_deliveries.discard)
    subject = "delivery"
    effects = {
        "retry": "Each ticked delivery gets a new retry schedule and is sent in the sequence of its order. One that a "
        "later delivery of its order has made unnecessary is marked superseded instead.",
        "discard": "The ticked deliveries are discarded and never sent, as are those that they hold back, which are "
        "counted beside each. This cannot be undone.",
    }
    empty_words = "A delivery appears when an order requires a message to a supplier or a warehouse."
    list_display = ("order_id", "kind_shown", "destination", "state", "attempts", "why", "made")
    list_filter = (StatusFilter, "tenant")
    linked_lookups = ("destination__id__exact",)
    list_select_related = ("lane", "destination__tenant")
    long_texts = ("payload",)
    personal = {"payload": DOCUMENT, "error": TEXT}
    search_fields = ("=id", "=reference")
    search_help_text = "Delivery id, order token or import reference, as they are written"
    inlines = (TriesOfDelivery,)
    actions = ("retry_dead", "discard_dead")
    actions_detail = ("retry_one", "discard_one")
    fields = (
        ("order_link", "destination_link"),
        ("kind_shown", "state"),
        ("reference", "sequence"),
        ("made", "finished"),
        "error",
        ("event_link", "superseded_by_link"),
        "correlation_id",
        "body",
    )

    def pending(self, rows: QuerySet[Delivery], tenant_id: int | None) -> QuerySet[Delivery]:
        """A delivery behind a dead one is never due; it is found through the lane's ``held_by``."""
        lanes = Lane.objects.filter(**({} if tenant_id is None else {"tenant": tenant_id})).values_list("pk", flat=True)
        due = lanes.filter(due_at__isnull=False).order_by("due_at")[:ORDERS_WAITING]
        held = lanes.filter(held_by__isnull=False).order_by("pk")[:ORDERS_WAITING]
        waiting = Delivery.objects.filter(
            lane__in=[*due, *held], position__gt=F("lane__done_position"), status=Delivery.Status.PENDING
        )
        return rows.filter(pk__in=waiting.values("pk"))

    def order_keys(self, rows: Sequence[Delivery]) -> list[OrderKey | None]:
        return [row.lane.order_key if row.lane.customer_order_id else None for row in rows]

    def about(self, delivery: Delivery) -> str:
        return f"{kind_words(delivery.kind)} of order {self.order_id(delivery)} to {delivery.destination}"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (
            "order_link", "destination_link", "kind_shown", "state", "made", "finished", "event_link",
            "superseded_by_link", "body",
        )  # fmt: skip

    @admin.display(description="order")
    def order_id(self, delivery: Delivery) -> str:
        return delivery.lane.customer_order_id or delivery.lane.key.replace(":", " ", 1)

    @admin.display(description="order")
    def order_link(self, delivery: Delivery) -> SafeString | str:
        lane, words = delivery.lane, self.order_id(delivery)
        return link(find.page_of_order(lane.order_key), words) if lane.customer_order_id else words

    @admin.display(description="to")
    def destination_link(self, delivery: Delivery) -> SafeString | str:
        page = reverse("admin:orders_destination_change", args=(delivery.destination_id,))
        return link(page, str(delivery.destination))

    @admin.display(description="what")
    def kind_shown(self, delivery: Delivery) -> str:
        return kind_words(delivery.kind)

    @admin.display(description="status")
    def state(self, delivery: Delivery) -> SafeString:
        return mark(delivery.status)

    @admin.display(description="last failure")
    def why(self, delivery: Delivery) -> str:
        return Truncator(delivery.error).chars(80) if delivery.error else "-"

    @admin.display(description="made")
    def made(self, delivery: Delivery) -> SafeString | str:
        return ago(delivery.created_at)

    @admin.display(description="finished")
    def finished(self, delivery: Delivery) -> SafeString | str:
        return ago(delivery.finished_at)

    @admin.display(description="made by event")
    def event_link(self, delivery: Delivery) -> SafeString | str:
        return _row_link("admin:orders_orderevent_change", delivery.event_id, "Open the event")

    @admin.display(description="superseded by")
    def superseded_by_link(self, delivery: Delivery) -> SafeString | str:
        return _row_link("admin:orders_delivery_change", delivery.superseded_by, "Open the newer delivery")

    @admin.display(description="what is sent")
    def body(self, delivery: Delivery) -> SafeString:
        return preformatted(delivery.payload)


def _row_link(page: str, pk: Any, words: str) -> SafeString | str:
    return link(reverse(page, args=(pk,)), words) if pk else "-"


@dataclass(frozen=True, slots=True)
class _Verb:
    """A button of a destination, with a description of what it does."""

    name: str
    effect: str
    done: str
    do: Callable[..., None]
    wants_reason: bool = False


VERBS = {
    verb.name: verb
    for verb in (
        _Verb(
            "pause",
            "Nothing more is sent there until somebody resumes it. Pending deliveries are kept and new ones are added; "
            "a request under way is finished.",
            "is paused",
            destination_health.pause,
            wants_reason=True,
        ),
        _Verb(
            "resume",
            "All pending deliveries are sent, each order in its sequence. The count of failures starts at 0. If the "
            "cause of a stop is not corrected, the destination stops again.",
            "is resumed",
            destination_health.resume,
        ),
        _Verb(
            "probe",
            "One pending delivery is sent there now, unless the destination is paused. If it is accepted, or refused "
            "for its content, sending resumes; if there is no answer or a refused login, nothing else is sent.",
            "is being probed",
            destination_health.probe,
        ),
    )
}


_BUTTONS = {"pause": "Pause it", "resume": "Resume it", "probe": "Probe it now"}


def _button(destination: Destination, verb: _Verb) -> DestinationAction:
    fitting = "resume" if destination.state == Destination.State.PAUSED else "probe" if destination.only_probes else ""
    url = reverse(f"admin:orders_destination_{verb.name}", args=(destination.pk,))
    return DestinationAction(_BUTTONS[verb.name], verb.effect, url, fits=verb.name == fitting)


@admin.register(Destination)
class DestinationAdmin(EvidenceAdmin):
    """Made and changed with its supplier or channel; here it is monitored, paused, resumed and probed."""

    empty_words = "Destinations are made with suppliers and warehouses: open a tenant and press Onboarding."
    list_display = ("name", "kind", "tenant", "state_shown", "state_words", "waiting")
    list_filter = ("state", "channel", "tenant")
    linked_lookups = ("open_seconds__isnull",)
    list_select_related = ("tenant",)
    search_fields = ("name", "tenant__slug", "tenant__name")
    ordering = ("tenant", "channel", "name")
    actions_detail = ("pause", "resume", "probe")
    change_form_template = "admin/orders/destination/change_form.html"
    fields = (
        ("tenant", "channel"),
        ("name", "active"),
        "state_words",
        ("waiting", "failures"),
        ("concurrency", "rate_limit_per_second"),
        "schedule",
        "deliveries",
        "buttons",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the number of waiting orders, counted over the partial index of due lanes, in the same query."""
        due = Lane.objects.filter(destination=OuterRef("pk"), due_at__isnull=False).order_by()
        counted = due.values("destination").annotate(count=Count("pk")).values("count")
        rows: QuerySet[Any] = super().get_queryset(request).annotate(lanes_due=Coalesce(Subquery(counted), 0))
        return rows

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("state_words", "waiting", "schedule", "deliveries", "buttons")

    @admin.display(description="kind", ordering="channel")
    def kind(self, destination: Destination) -> str:
        return channel_label(destination)

    @admin.display(description="state", ordering="state")
    def state_shown(self, destination: Destination) -> SafeString:
        return state_mark(destination)

    @admin.display(description="in words")
    def state_words(self, destination: Destination) -> str:
        return state_in_words(destination)

    @admin.display(description="orders waiting")
    def waiting(self, destination: Any) -> int:
        return int(destination.lanes_due)

    @admin.display(description="retry schedule")
    def schedule(self, destination: Destination) -> str:
        steps = destination.retry_schedule
        return f"after {', '.join(f'{step:g}' for step in steps)} s" if steps else "the hub's default"

    @admin.display(description="what the buttons do")
    def buttons(self, destination: Destination) -> SafeString:
        lines = ((verb.name.capitalize(), verb.effect) for verb in VERBS.values())
        return format_html("<dl class='hub-facts'>{}</dl>", format_html_join("", "<dt>{}</dt><dd>{}</dd>", lines))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        destination = self.get_object(request, object_id)
        shown: dict[str, Any] = {}
        if destination is not None:
            verbs = [_button(destination, verb) for verb in VERBS.values()]
            shown = destination_page.shown(request, destination, verbs) | {
                "state": state_in_words(destination),
                "waiting": self.waiting(destination),
                "schedule": self.schedule(destination),
                "kind": self.kind(destination),
                "may_operate": self.has_operate_permission(request, destination),
            }
        response: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})
        return response

    @admin.display(description="deliveries")
    def deliveries(self, destination: Destination) -> SafeString | str:
        page = reverse("admin:orders_delivery_changelist")
        return link(f"{page}?destination__id__exact={destination.pk}", "Sent and pending deliveries")

    @action(description="Pause", url_path="pause", permissions=["operate"], icon="pause")  # type: ignore[untyped-decorator]
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._use(request, object_id, VERBS["pause"])

    @action(description="Resume", url_path="resume", permissions=["operate"], icon="play_arrow")  # type: ignore[untyped-decorator]
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._use(request, object_id, VERBS["resume"])

    @action(description="Probe now", url_path="probe", permissions=["operate"], icon="troubleshoot")  # type: ignore[untyped-decorator]
    def probe(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._use(request, object_id, VERBS["probe"])

    def _use(self, request: HttpRequest, object_id: str, verb: _Verb) -> HttpResponse:
        """GET shows what the verb does; POST does it."""
        destination = self.get_object(request, object_id)
        if destination is None:
            raise PermissionDenied
        back = reverse("admin:orders_destination_change", args=(destination.pk,))
        reason = request.POST.get("reason", "").strip()
        if request.method == "POST" and (reason or not verb.wants_reason):
            given = {"reason": reason} if verb.wants_reason else {}
            verb.do(destination, who=request.user.get_username(), **given)
            self.message_user(request, f"{destination} {verb.done}.", messages.SUCCESS)
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb.name.capitalize()} {destination}",
            "state": state_in_words(destination),
            "waiting": orders_waiting(destination),
            "effect": verb.effect,
            "button": f"{verb.name.capitalize()} {destination.name}",
            "wants_reason": verb.wants_reason,
            "reason_missing": request.method == "POST",
            "back": back,
        }
        return TemplateResponse(request, "admin/orders/confirm.html", context)
