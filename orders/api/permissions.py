"""The checks before the body, one permission class each; a view lists them in the contract's order.

Each raises the problem that it stands for in place of answering False, which would always be 403. ``view`` is an
ApiView.
"""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from orders.api.errors import method_not_allowed
from orders.http.modes import check_mode
from orders.values.problems import BusinessUnitNotAllowed, NotFound, ScopeMissing, TenantMismatch


class AnswersInMode(BasePermission):
    """405 for what does not answer in the tenant's mode, whatever the scope."""

    def has_permission(self, request: Request, view: Any) -> bool:
        check_mode(view.caller.tenant, request.path_info, request.method or "")
        return True


class NoSuchAddress(BasePermission):
    """404 for everybody."""

    def has_permission(self, request: Request, view: Any) -> bool:
        raise NotFound("There is nothing at this address; see /docs for the addresses that exist.")


class AnswersMethod(BasePermission):
    """405 before 403: DRF's own check of the method comes after the permissions."""

    def has_permission(self, request: Request, view: Any) -> bool:
        allowed = view.allowed_methods
        if request.method not in allowed:
            raise method_not_allowed(*allowed)
        return True


class HasScope(BasePermission):
    """403 where the token lacks the scope that ``view.scopes`` names for the method; HEAD is GET."""

    def has_permission(self, request: Request, view: Any) -> bool:
        method = request.method or ""
        scope = view.scopes["GET" if method == "HEAD" else method]
        if scope not in view.caller.scopes:
            raise ScopeMissing(f"This needs a token with the scope {scope}; ask the hub's operators for it.")
        return True


class NamesOwnTenant(BasePermission):
    """403 for a Tenant-Id header that disagrees with the token."""

    def has_permission(self, request: Request, view: Any) -> bool:
        own = view.caller.tenant.slug
        if request.headers.get("Tenant-Id", own) != own:
            raise TenantMismatch(f"The token belongs to tenant {own}; drop the Tenant-Id header.")
        return True


class MayUseBusinessUnit(BasePermission):
    """403 where the address names a business unit that the token is not valid for."""

    def has_permission(self, request: Request, view: Any) -> bool:
        unit = view.kwargs.get("business_unit_id")
        if unit is not None and not view.caller.may_use(unit):
            raise BusinessUnitNotAllowed("The token's business units do not include this one.")
        return True


METHOD_AND_ACCESS = (AnswersMethod, HasScope, NamesOwnTenant, MayUseBusinessUnit)
"""What follows the checks of mode and path."""
