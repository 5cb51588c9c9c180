"""Dead letters in one list over events, webhooks and imports, by cause; and the runs that work through many of them.

A login that may view events or deliveries sees the dead ones here; the buttons need the permission to retry and discard
the rows themselves (``has_operate_permission`` of their own pages). A bound login's groups and runs are its tenant's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from orders.admin.base import EvidenceAdmin, bound_tenant
from orders.admin.dead_letters import rows
from orders.admin.masking import TEXT, masker_for
from orders.dead_letters import bulk_runs
from orders.dead_letters.causes import EVENTS
from orders.dead_letters.groups import Group, dead_letters, together, whom
from orders.dead_letters.masked_causes import masked_words
from orders.dead_letters.selection import Selection, kind_of, kinds
from orders.masking.documents import sees_personal_data
from orders.models import Delivery, OrderEvent, RepairRun
from orders.values.labels import ago, mark

OVERTAKEN, ALL = "overtaken", "all"
"""In the place of a cause: dead events that a newer one has overtaken; and all of a kind, whatever their causes."""
STATE_MEANINGS = {"running": "ok", "stopped": "waiting", "done": "plain"}


@admin.register(RepairRun)
class RepairRunAdmin(EvidenceAdmin):
    personal = {"reason": TEXT, "words": TEXT}
    empty_words = "No bulk retry was started yet. Start one on the page Dead letters."
    list_display = ("began", "who", "verb_words", "on_what", "state_shown", "progress", "reason")
    list_filter = ("state", "verb", "tenant")
    list_display_links = ("began",)
    search_fields = ("=who",)
    search_help_text = "Exact name of the login that started it"
    fields = ("who",)

    @admin.display(description="started")
    def began(self, run: RepairRun) -> SafeString | str:
        return ago(run.began_at)

    @admin.display(description="what")
    def verb_words(self, run: RepairRun) -> str:
        return bulk_runs.RUN_WORDS[RepairRun.Verb(run.verb)]

    @admin.display(description="on what")
    def on_what(self, run: RepairRun) -> str:
        return run.words

    @admin.display(description="state", ordering="state")
    def state_shown(self, run: RepairRun) -> SafeString:
        return mark(run.state, STATE_MEANINGS[run.state])

    @admin.display(description="so far")
    def progress(self, run: RepairRun) -> str:
        return f"{run.seen:,} of {run.expected:,}" if run.expected else f"{run.seen:,}"

    def get_urls(self) -> list[URLPattern]:
        def own(route: str, view: Any, name: str) -> URLPattern:
            shown: URLPattern = path(route, self.admin_site.admin_view(view), name=f"orders_repairrun_{name}")
            return shown

        return [
            own("dead/", self.dead, "dead"),
            own("dead/<slug:kind>/<slug:cause>/", self.group, "group"),
            own("<id:pk>/stop/", require_POST(self.stop), "stop"),
            own("<id:pk>/resume/", require_POST(self.resume), "resume"),
            *super().get_urls(),
        ]

    def dead(self, request: HttpRequest) -> HttpResponse:
        """Every cause, the largest first."""
        seen = [kind for kind in kinds() if self._rows_of(kind).has_view_permission(request)]
        if not seen:
            raise PermissionDenied
        found = dead_letters(bound_tenant(request))
        shown = [one for one in found.groups[: rows.MOST_GROUPS] if one.kind in seen]
        words = _words(request, shown)
        groups = [
            {
                "group": one,
                "words": words[one.kind, one.cause],
                "kind": rows.KIND_WORDS.get(one.kind, one.kind),
                "url": reverse("admin:orders_repairrun_group", args=(one.kind, one.cause)),
                "tenants": one.tenants.most_common(rows.NAMED),
                "others": len(one.tenants) - rows.NAMED,
            }
            for one in shown
        ]
        context = {
            "title": "Dead letters",
            "groups": groups,
            "wholes": _wholes(shown),
            "left_out": max(0, len(found.groups) - rows.MOST_GROUPS),
            "overtaken": found.overtaken if EVENTS in seen else 0,
            "overtaken_url": reverse("admin:orders_repairrun_group", args=(EVENTS, OVERTAKEN)),
            "cut": found.cut,
            "running": self.covered(request, list(self.get_queryset(request).exclude(state=RepairRun.State.DONE)[:5])),
            "runs_url": reverse("admin:orders_repairrun_changelist"),
        }
        return self._shown(request, "dead_letters_groups", context)

    def group(self, request: HttpRequest, kind: str, cause: str) -> HttpResponse:
        """The rows of one cause with what a retry would do; on POST a run over all of them."""
        if kind not in kinds():
            raise Http404("There is no such kind of dead letters.")
        rows_of = self._rows_of(kind)
        if not rows_of.has_view_permission(request):
            raise PermissionDenied
        aside = cause == OVERTAKEN
        selection = Selection(kind, "" if cause in (OVERTAKEN, ALL) else cause, bound_tenant(request), overtaken=aside)
        found = _group(selection)
        if request.method == "POST":
            return self._begin(request, selection, found)
        return self._group_page(request, selection, found)

    def _begin(self, request: HttpRequest, selection: Selection, found: Group | None) -> HttpResponse:
        verb, reason = request.POST.get("verb", ""), request.POST.get("reason", "").strip()
        if not self._rows_of(selection.kind).has_operate_permission(request) or verb not in RepairRun.Verb.values:
            raise PermissionDenied
        if found is None or (not reason and verb != RepairRun.Verb.PREVIEW):
            return self._group_page(request, selection, found, reason_missing=True)
        words = rows.selected_words(selection, found)
        who = request.user.get_username()
        run = bulk_runs.begin(bulk_runs.Begin(verb, selection, words, who, reason, expected=found.count))
        return HttpResponseRedirect(reverse("admin:orders_repairrun_change", args=(run.pk,)))

    def _group_page(
        self, request: HttpRequest, selection: Selection, found: Group | None, *, reason_missing: bool = False
    ) -> HttpResponse:
        rows_of = self._rows_of(selection.kind)
        page = rows.page(selection, after=_uuid(request.GET.get("after", "")))
        covered = rows_of.covered(request, page.rows)
        seconds = math.inf if request.GET.get("try") == "all" else rows.TRY_SECONDS
        lines = rows.lines(selection, covered, lambda key: masker_for(request, key), seconds=seconds)
        tried = None if selection.overtaken else rows.last_preview(selection)
        context = {
            "title": _title(selection),
            "group": found,
            "words": _words(request, [found])[found.kind, found.cause] if found else "",
            "kind": rows.KIND_WORDS.get(selection.kind, selection.kind),
            "overtaken": selection.overtaken,
            "lines": lines,
            "next": page.next,
            "after": request.GET.get("after", ""),
            "untried": any(line.outcome == rows.UNTRIED for line in lines),
            "may_operate": rows_of.has_operate_permission(request),
            "whom": rows.named(sorted(found.destinations) or whom(found.tenant_ids)) if found else "",
            "tried": tried,
            "would": _would(found, lines, tried, whole=not page.next and "after" not in request.GET),
            "reason_missing": reason_missing,
            "back": reverse("admin:orders_repairrun_dead"),
        }
        return self._shown(request, "dead_letters_group", context)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The progress of the run, in place of a form."""
        run = self.get_object(request, object_id)
        if run is None or not self.has_view_permission(request, run):
            raise PermissionDenied
        selection = Selection.from_json(run.selection)
        context = {
            "title": f"Bulk retry {run.pk}",
            "run": run,
            "what": bulk_runs.RUN_WORDS[RepairRun.Verb(run.verb)],
            "state": bulk_runs.state_in_words(run),
            "meaning": STATE_MEANINGS[run.state],
            "counts": rows.counted(run),
            "steered": rows.steered(run),
            "may_operate": self._rows_of(selection.kind).has_operate_permission(request),
            "group_url": reverse(
                "admin:orders_repairrun_group",
                args=(selection.kind, OVERTAKEN if selection.overtaken else selection.cause or ALL),
            ),
            "back": reverse("admin:orders_repairrun_dead"),
        }
        return self._shown(request, "dead_letters_run", context)

    def stop(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._steer(request, pk, bulk_runs.stop, "The run stops before its next row.")

    def resume(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._steer(request, pk, bulk_runs.resume, "The run continues within a few seconds.")

    def _steer(self, request: HttpRequest, pk: int, do: Any, said: str) -> HttpResponse:
        run = self.get_queryset(request).filter(pk=pk).first()
        if run is None or not self._rows_of(run.selection["road"]).has_operate_permission(request):
            raise PermissionDenied
        do(run, who=request.user.get_username())
        self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:orders_repairrun_change", args=(pk,)))

    def _rows_of(self, kind: str) -> Any:
        """The admin of the rows, which decides who may view, retry and discard them."""
        return self.admin_site._registry[OrderEvent if kind_of(kind).subject == "event" else Delivery]

    def _shown(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), **context}
        return TemplateResponse(request, f"admin/orders/{template}.html", whole)


def _group(selection: Selection) -> Group | None:
    found = dead_letters(selection.tenant_id, kind=selection.kind)
    if selection.overtaken:
        return found.overtaken_group
    if not selection.cause:
        return together(selection.kind, rows.all_words(selection.kind), found.groups)
    return next((one for one in found.groups if (one.kind, one.cause) == (selection.kind, selection.cause)), None)


def _title(selection: Selection) -> str:
    if selection.overtaken:
        return "Dead events that a newer event has overtaken"
    return "Dead letters of one cause" if selection.cause else "Dead letters of every cause"


def _wholes(groups: Sequence[Group]) -> list[tuple[str, str]]:
    """(words, address) of all of a kind, where it has several causes."""
    found = []
    for kind in dict.fromkeys(one.kind for one in groups):
        mine = [one.count for one in groups if one.kind == kind]
        if len(mine) > 1:
            words = f"All {sum(mine):,} {rows.KIND_WORDS.get(kind, kind)}"
            found.append((words, reverse("admin:orders_repairrun_group", args=(kind, ALL))))
    return found


def _words(request: HttpRequest, groups: Sequence[Group]) -> dict[tuple[str, str], str]:
    """The causes in words, as the login may read them."""
    if sees_personal_data(request):
        return {(one.kind, one.cause): one.words for one in groups}
    whole = {(one.kind, one.cause): one.words for one in groups if not one.cause}
    return whole | masked_words([one for one in groups if one.cause])


def _would(found: Group | None, lines: Sequence[Any], tried: RepairRun | None, *, whole: bool) -> int | None:
    """How many of the group would succeed now; None where not all were previewed."""
    if found is None:
        return 0
    if whole and all(line.outcome != rows.UNTRIED for line in lines):
        return sum(1 for line in lines if line.outcome == "would_apply")
    return tried.count("would_apply") if tried else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
