"""Retry and discard of dead letters, through a page that first previews the outcome for each row.

The services do it (orders.dead_letters.dead_events and .dead_deliveries): a preview runs in a transaction that is
rolled back, and the outcome is decided again under the row's lock when it is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action

from orders.admin.base import chosen_tenant
from orders.dead_letters.operations import Busy, NotDead

MOST_AT_ONCE = 100
"""Rows on one page of previews; each is tried in a transaction of its own, some milliseconds."""

ORDERS_WAITING = 1_000
"""Orders whose pending rows a list shows: twenty pages; with a backlog of 100,000 all of them took a second."""

WORDS = {
    "would_apply": ("would be applied", "ok"),
    "would_supersede": ("superseded", "plain"),
    "would_fail": ("would fail again", "attention"),
    "pending": ("pending again", "waiting"),
    "superseded": ("superseded", "plain"),
    "discarded": ("discarded", "plain"),
    "busy": ("busy", "waiting"),
    "failed": ("failed inside the hub, see its log", "attention"),
    "refused": ("left unchanged", "plain"),
}


@dataclass(frozen=True, slots=True)
class Verbs:
    """The services for a dead row; each raises NotDead or Busy when it is refused."""

    preview: Callable[..., Any]
    retry: Callable[..., Any]
    discard: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row of the page with its outcome, previewed or done."""

    row: Any
    name: str
    about: str
    outcome: str
    detail: str
    newer: str = ""
    ticked: bool = True

    @property
    def words(self) -> str:
        return WORDS.get(self.outcome, (self.outcome.replace("_", " "), ""))[0]

    @property
    def meaning(self) -> str:
        return WORDS.get(self.outcome, ("", "plain"))[1]


class StatusFilter(admin.SimpleListFilter):
    """By status. Pending rows are found through the due queues, not by a scan of the big table."""

    title = "status"
    parameter_name = "status"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Any], model_admin: Any) -> None:
        self._pending, self._statuses = model_admin.pending, model.Status
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        named = [(status.value, status.label.lower()) for status in model_admin.model.Status]
        longest = f"pending (the {ORDERS_WAITING:,} orders due longest)"
        return [(value, longest if value == self._statuses.PENDING else label) for value, label in named]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        status = self.value()
        if status == self._statuses.PENDING:
            waiting: QuerySet[Any] = self._pending(queryset, chosen_tenant(request))
            return waiting
        return queryset.filter(status=status) if status in self._statuses.values else queryset


class DeadLetterAdmin:
    """Mixed into an EvidenceAdmin whose rows can be dead. ``about`` describes a row."""

    verbs: Verbs
    subject: str
    """``event`` or ``delivery``, as in ``orders.timeline``."""
    effects: dict[str, str]
    """What retry and discard do, shown before they are pressed."""

    def about(self, row: Any) -> str:
        """What a row is, in a few words."""
        raise NotImplementedError

    def pending(self, rows: QuerySet[Any], tenant_id: int | None) -> QuerySet[Any]:
        """The pending rows of the ORDERS_WAITING orders of the tenant that have been due longest."""
        raise NotImplementedError

    @admin.action(description="Retry (preview first)", permissions=["operate"])
    def retry_dead(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._page(request, queryset, "retry")

    @admin.action(description="Discard with a reason (preview first)", permissions=["operate"])
    def discard_dead(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._page(request, queryset, "discard")

    @action(description="Retry", url_path="retry", permissions=["operate"], icon="replay")  # type: ignore[untyped-decorator]
    def retry_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._page(request, self._one(request, object_id), "retry")

    @action(description="Discard", url_path="discard", permissions=["operate"], icon="delete")  # type: ignore[untyped-decorator]
    def discard_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._page(request, self._one(request, object_id), "discard")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        dead = self.rows_of_id(request, object_id).filter(status="dead").exists()  # type: ignore[attr-defined]
        return list(super().get_actions_detail(request, object_id)) if dead else []  # type: ignore[misc]

    def _one(self, request: HttpRequest, object_id: str) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.rows_of_id(request, object_id)  # type: ignore[attr-defined]
        if not rows:
            raise PermissionDenied
        return rows

    def _page(self, request: HttpRequest, queryset: QuerySet[Any], verb: str) -> HttpResponse:
        reason = request.POST.get("reason", "").strip()
        done = request.method == "POST" and "apply" in request.POST and bool(reason)
        rows = queryset.select_related(*self.list_select_related)[:MOST_AT_ONCE]  # type: ignore[attr-defined]
        lines = [self._apply(request, row, verb, reason) if done else self._preview(row) for row in rows]
        opts = self.opts  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _title(verb, self.subject, lines, done=done),
            "lines": lines,
            "verb": verb,
            "done": done,
            "effect": self.effects[verb],
            "reason_missing": "apply" in request.POST and not reason,
            "subject": self.subject,
            "most": MOST_AT_ONCE if len(lines) == MOST_AT_ONCE else 0,
            "checkbox": ACTION_CHECKBOX_NAME,
            "list_url": reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"),
        }
        return TemplateResponse(request, "admin/orders/dead_letters.html", context)

    def _preview(self, row: Any) -> PreviewRow:
        return self._line(row, lambda: self.verbs.preview(row))

    def _apply(self, request: HttpRequest, row: Any, verb: str, reason: str) -> PreviewRow:
        do = self.verbs.retry if verb == "retry" else self.verbs.discard
        return self._line(row, lambda: do(row, who=request.user.get_username(), reason=reason))

    def _line(self, row: Any, ask: Callable[[], Any]) -> PreviewRow:
        name, about = str(row.pk), self.about(row)
        try:
            result = ask()
        except Busy as busy:
            return PreviewRow(row, name, about, "busy", f"{busy}.".capitalize())
        except NotDead as refused:
            return PreviewRow(row, name, about, "refused", f"{refused}.".capitalize(), ticked=False)
        newer = f"{self.subject}:{result.superseded_by}" if result.superseded_by else ""
        ticked = result.outcome != "would_fail"
        return PreviewRow(row, name, about, result.outcome, result.detail, newer, ticked)


def _title(verb: str, subject: str, lines: Iterable[PreviewRow], *, done: bool) -> str:
    count = sum(1 for _ in lines)
    things = subject if count == 1 else {"delivery": "deliveries"}.get(subject, f"{subject}s")
    return f"Outcome for {count} {things}" if done else f"{verb.capitalize()} {count} dead {things}?"
