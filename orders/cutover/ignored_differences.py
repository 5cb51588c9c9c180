"""Members whose differences a tenant ignores: from then on they make no comparison wrong.

Earlier counts stay; open differences of these members are deleted from the list.

IgnoreRefused   nothing was changed; the text says why
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from django.db import transaction
from django.db.models import Q, QuerySet

from orders.documents.schema import CustomerOrder
from orders.documents.shape import Node, node_of
from orders.models import Difference, IgnoredMember, OperatorAction, Tenant

EVERY_KIND = ""


class IgnoreRefused(Exception):
    """The member cannot be ignored, or no longer be ignored, as asked."""


@dataclass(frozen=True, slots=True)
class IgnoredMembers:
    """The (member, kind) pairs that a tenant ignores; the kind may be EVERY_KIND."""

    ignored: frozenset[tuple[str, str]] = frozenset()

    def covers(self, member: str, kind: str) -> bool:
        """Whether a difference is ignored: the member itself, or one that contains it."""
        return any(
            (member == own or member.startswith(f"{own}/")) and of in (EVERY_KIND, kind) for own, of in self.ignored
        )


def ignored_members_of(tenant_ids: Collection[int]) -> Mapping[int, IgnoredMembers]:
    """By tenant id; every given tenant is a key."""
    found: dict[int, set[tuple[str, str]]] = {tenant_id: set() for tenant_id in tenant_ids}
    rows = IgnoredMember.objects.filter(tenant__in=tenant_ids) if tenant_ids else IgnoredMember.objects.none()
    for tenant_id, member, kind in rows.values_list("tenant_id", "member", "kind"):
        found[tenant_id].add((member, kind))
    return {tenant_id: IgnoredMembers(frozenset(ignored)) for tenant_id, ignored in found.items()}


@transaction.atomic
def ignore(tenant: Tenant, member: str, *, kind: str = EVERY_KIND, who: str, reason: str) -> IgnoredMember:
    """Ignore a member's differences. One that is ignored already keeps its first person and reason. Raises
    IgnoreRefused.
    """
    _check(member, kind, reason)
    row, made = IgnoredMember.objects.get_or_create(
        tenant=tenant, member=member, kind=kind, defaults={"who": who, "reason": reason}
    )
    ignored = inside(Difference.objects.filter(tenant=tenant), member)
    (ignored.filter(kind=kind) if kind else ignored).delete()
    if made:
        _note(tenant, "ignore differences", member, kind, who=who, reason=reason)
    return row


@transaction.atomic
def stop_ignoring(row: IgnoredMember, *, who: str, reason: str) -> None:
    """Count the member's differences again from now on. Raises IgnoreRefused."""
    if not reason.strip():
        raise IgnoreRefused("Write why: the reason is kept on record.")
    if IgnoredMember.objects.filter(pk=row.pk).delete()[0]:
        _note(row.tenant, "look at differences", row.member, row.kind, who=who, reason=reason)


def inside(rows: QuerySet[Difference], member: str) -> QuerySet[Difference]:
    """Differences of the member and of all members inside it."""
    return rows.filter(Q(member=member) | Q(member__startswith=f"{member}/"))


@cache
def known_members() -> frozenset[str]:
    """Every member that an order can have, as JSON pointers with ``*`` for a list index."""
    return frozenset(_members(node_of(CustomerOrder), ""))


def _members(node: Node, at: str) -> Iterator[str]:
    below = {"*": node.item} if node.item is not None else node.members
    for name, inner in below.items():
        yield f"{at}/{name}"
        yield from _members(inner, f"{at}/{name}")


def refusal(member: str) -> str:
    """Why the member cannot be ignored; empty when it can."""
    if not member:
        return "A whole order that is missing cannot be ignored: after the cut-over readers would get 404 for it."
    if member not in known_members():
        return f"An order has no member {member}; write it as the differences name it, such as /items/*/unitPrice."
    return ""


def _check(member: str, kind: str, reason: str) -> None:
    if not reason.strip():
        raise IgnoreRefused("Write why these differences do not matter: the reason is kept on record.")
    if refused := refusal(member):
        raise IgnoreRefused(refused)
    if kind and kind not in Difference.Kind.values:
        raise IgnoreRefused(f"There is no kind of difference called {kind}.")


def _note(tenant: Tenant, action: str, member: str, kind: str, *, who: str, reason: str) -> None:
    OperatorAction.objects.create(
        tenant=tenant, who=who, action=action, subject=f"member:{member}", reason=reason, outcome=kind or "every kind"
    )
