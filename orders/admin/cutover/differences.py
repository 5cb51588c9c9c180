"""Differences between stored orders and the tenant's own system, and those that are ignored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.decorators import action

from orders.admin.base import EvidenceAdmin, bound_tenant, chosen_tenant
from orders.admin.masking import DOCUMENT, TEXT
from orders.admin.orders.find import page_of_order
from orders.cutover import ignored_differences
from orders.cutover.comparison.documents import value_inside
from orders.models import ComparisonHour, ComparisonSweep, Difference, IgnoredMember, MemberHour, Tenant
from orders.values.labels import ago, link, mark, preformatted
from orders.values.order_key import OrderKey

WHOLE = "(the whole order)"
IGNORED_SHOWN = 50
"""On the page of differences; a tenant with more has a page of its own for them."""
VALUE_SHOWN = 40
"""Characters in the list: a row stays a line or two, also on a phone. The row's own page has all."""
EFFECT = (
    "From now on differences of these members, and of everything inside them, no longer make a comparison wrong, and "
    "the open ones leave the list. Past counts stay. After the cut-over readers get the stored values."
)
COUNT_AGAIN = (
    "From now on differences of {member} count again: the next comparisons of {tenant}'s orders list them, and the "
    "match rate may fall."
)


class MemberFilter(admin.SimpleListFilter):
    """By member, of those that were ever wrong."""

    title = "member"
    parameter_name = "member"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        bound = bound_tenant(request)
        hours = MemberHour.objects.all() if bound is None else MemberHour.objects.filter(tenant=bound)
        names = sorted(set(hours.values_list("member", flat=True)) | {self.value() or ""})
        return [(name or WHOLE, name or WHOLE) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        member = self.value()
        return queryset.filter(member="" if member == WHOLE else member) if member else queryset


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A member of a tenant on the page that asks whether to ignore it."""

    tenant: Tenant
    member: str
    kinds: Sequence[Difference.Kind]
    open: int
    refused: str = ""


@admin.register(Difference)
class DifferenceAdmin(EvidenceAdmin):
    personal = {"here": DOCUMENT, "there": DOCUMENT}
    empty_words = "No stored order differs from the system of its migrating tenant, as far as was compared."
    list_display = ("customer_order_id", "member_words", "what", "stored", "own", "tenant", "seen", "last_seen")
    list_filter = (MemberFilter, "kind", "tenant")
    list_select_related = ("tenant",)
    list_before_template = "admin/orders/differences/ignored.html"
    search_fields = ("=customer_order_id",)
    search_help_text = "Order id, as it is written"
    ordering = ("-last_seen_at", "-pk")
    actions = ("ignore_members",)
    actions_detail = ("ignore_member",)
    fields = (
        ("order_link", "tenant", "business_unit_id"),
        ("member_words", "pointer", "places"),
        "what",
        "stored_whole",
        "own_whole",
        ("seen", "first_seen", "last_seen"),
    )
    readonly_fields = (
        "order_link", "member_words", "what", "stored_whole", "own_whole", "seen", "first_seen", "last_seen",
    )  # fmt: skip

    def order_keys(self, rows: Sequence[Difference]) -> list[OrderKey]:
        return [row.key for row in rows]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """With what is ignored, not compared or paused, so that nobody reads an empty list as a full match."""
        ignored = self.admin_site._registry[IgnoredMember].get_queryset(request).select_related("tenant")
        of = chosen_tenant(request)
        ignored = ignored if of is None else ignored.filter(tenant=of)
        context = {"ignored": ignored[:IGNORED_SHOWN], **_left_out(bound_tenant(request))}
        response: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **context})
        return response

    @admin.display(description="member", ordering="member")
    def member_words(self, row: Difference) -> str:
        return row.member or WHOLE

    @admin.display(description="how it differs", ordering="kind")
    def what(self, row: Difference) -> SafeString:
        return mark(row.get_kind_display(), "attention" if row.kind in _GRAVE else "waiting")

    @admin.display(description="stored here")
    def stored(self, row: Difference) -> str:
        return Truncator(value_inside(row.here, row.pointer)).chars(VALUE_SHOWN) or "-"

    @admin.display(description="own system")
    def own(self, row: Difference) -> str:
        return Truncator(value_inside(row.there, row.pointer)).chars(VALUE_SHOWN) or "-"

    @admin.display(description="stored here")
    def stored_whole(self, row: Difference) -> SafeString:
        return preformatted(value_inside(row.here, row.pointer))

    @admin.display(description="in the tenant's own system")
    def own_whole(self, row: Difference) -> SafeString:
        return preformatted(value_inside(row.there, row.pointer))

    @admin.display(description="order")
    def order_link(self, row: Difference) -> SafeString | str:
        return link(page_of_order(row.key), row.customer_order_id)

    @admin.display(description="times seen", ordering="count")
    def seen(self, row: Difference) -> int:
        return row.count

    @admin.display(description="first seen")
    def first_seen(self, row: Difference) -> SafeString | str:
        return ago(row.first_seen_at)

    @admin.display(description="last seen", ordering="last_seen_at")
    def last_seen(self, row: Difference) -> SafeString | str:
        return ago(row.last_seen_at)

    @admin.action(description="Ignore these members (asks why)", permissions=["operate"])
    def ignore_members(self, request: HttpRequest, queryset: QuerySet[Difference]) -> HttpResponse:
        return self._ignore(request, queryset, reverse("admin:orders_difference_changelist"))

    @action(description="Ignore this member", url_path="ignore", permissions=["operate"], icon="visibility_off")  # type: ignore[untyped-decorator]
    def ignore_member(self, request: HttpRequest, object_id: str) -> HttpResponse:
        rows = self.rows_of_id(request, object_id)
        return self._ignore(request, rows, reverse("admin:orders_difference_ignore_member", args=(object_id,)))

    def _ignore(self, request: HttpRequest, rows: QuerySet[Difference], post_to: str) -> HttpResponse:
        """Shows what it will do; does it when a reason is given, for all members or none."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        reason, kind = request.POST.get("reason", "").strip(), request.POST.get("kind", ignored_differences.EVERY_KIND)
        asked = request.method == "POST" and "apply" in request.POST
        lines = _lines(rows)
        if asked and reason and lines and not any(line.refused for line in lines):
            for line in lines:
                ignored_differences.ignore(
                    line.tenant, line.member, kind=kind, who=request.user.get_username(), reason=reason
                )
            said = ", ".join(f"{line.member} of {line.tenant}" for line in lines)
            messages.success(request, f"Ignored from now on: {said}.")
            return HttpResponseRedirect(reverse("admin:orders_difference_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Ignore these differences from now on?",
            "effect": EFFECT,
            "lines": lines,
            "kinds": sorted({kind for line in lines for kind in line.kinds}),
            "kind": kind,
            "possible": bool(lines) and not any(line.refused for line in lines),
            "post_to": post_to,
            "ticked": [row.pk for row in rows],
            "checkbox": ACTION_CHECKBOX_NAME,
            "reason_missing": asked and not reason,
            "list_url": reverse("admin:orders_difference_changelist"),
        }
        return TemplateResponse(request, "admin/orders/differences/ignore.html", context)


def _left_out(bound: int | None) -> dict[str, Any]:
    """Answers of the last day that were dropped uncompared, and paused sweeps of tenants."""
    mine = {} if bound is None else {"tenant": bound}
    hours = ComparisonHour.objects.filter(starts_at__gt=timezone.now() - timedelta(days=1), **mine)
    sweeps = ComparisonSweep.objects.filter(tenant__mode=Tenant.Mode.MIGRATING, tenant__active=True, **mine)
    return {
        "dropped": hours.aggregate(dropped=Sum("dropped"))["dropped"] or 0,
        "paused": sweeps.exclude(paused_because="").select_related("tenant")[:IGNORED_SHOWN],
    }


_GRAVE = (Difference.Kind.VALUE, Difference.Kind.MISSING_HERE, Difference.Kind.MISSING_THERE)


def _lines(rows: QuerySet[Difference]) -> list[DifferenceRow]:
    """One per tenant and member of the chosen differences, with all that are open of it."""
    chosen = {(row.tenant, row.member) for row in rows.select_related("tenant").order_by()}
    lines = []
    for tenant, member in sorted(chosen, key=lambda one: (one[0].slug, one[1])):
        open_ones = ignored_differences.inside(Difference.objects.filter(tenant=tenant), member)
        kinds = sorted(Difference.Kind(kind) for kind in set(open_ones.order_by().values_list("kind", flat=True)))
        lines.append(
            DifferenceRow(tenant, member or WHOLE, kinds, open_ones.count(), ignored_differences.refusal(member))
        )
    return lines


@admin.register(IgnoredMember)
class IgnoredMemberAdmin(EvidenceAdmin):
    """Ignored differences: who ignores them, since when, why."""

    personal = {"reason": TEXT}
    empty_words = (
        "No difference is ignored. To ignore a member, open one of its differences and press Ignore this member."
    )
    list_display = ("member", "kind_words", "tenant", "who", "since", "reason")
    list_filter = ("tenant",)
    list_select_related = ("tenant",)
    actions_detail = ("count_again",)
    fields = ("member", "kind_words", "tenant", "who", "since", "reason")
    readonly_fields = ("kind_words", "since")

    @admin.display(description="kind of difference")
    def kind_words(self, row: IgnoredMember) -> str:
        return row.get_kind_display() or "every kind"

    @admin.display(description="since", ordering="created_at")
    def since(self, row: IgnoredMember) -> SafeString | str:
        return ago(row.created_at)

    @action(
        description="Count its differences again", url_path="look-again", permissions=["operate"], icon="visibility"
    )  # type: ignore[untyped-decorator]
    def count_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.rows_of_id(request, object_id).select_related("tenant").first()
        if row is None or not self.has_operate_permission(request, row):
            raise PermissionDenied
        reason = request.POST.get("reason", "").strip()
        if request.method == "POST" and reason:
            ignored_differences.stop_ignoring(row, who=request.user.get_username(), reason=reason)
            messages.success(request, f"Differences of {row.member} of {row.tenant} count again from now on.")
            return HttpResponseRedirect(reverse("admin:orders_ignoredmember_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Count differences of {row.member} again?",
            "effect": COUNT_AGAIN.format(member=row.member, tenant=row.tenant),
            "button": "Count them again",
            "wants_reason": True,
            "reason_missing": request.method == "POST" and not reason,
            "back": reverse("admin:orders_ignoredmember_changelist"),
        }
        return TemplateResponse(request, "admin/orders/confirm.html", context)
