"""The base of every API view: the checks (docs/reference/api.md#checks), decoded ids, answers with digits kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from orders.access.bearer_tokens import (
    BearerAuthentication,
    Caller,
)
from orders.api.errors import exception_handler, method_not_allowed
from orders.documents import render
from orders.http.modes import check_mode
from orders.http.raw_paths import (
    decode_segment,
    fault_of_id,
)
from orders.values.problems import (
    BusinessUnitNotAllowed,
    Fault,
    InvalidId,
    NotFound,
    ScopeMissing,
    TenantMismatch,
)

ID_POINTERS = {"business_unit_id": "/businessUnitId", "customer_order_id": "/customerOrderId"}


def render_json(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A JSON answer; Decimals come out digit for digit."""
    return HttpResponse(render(data), status=status, headers=headers, content_type="application/json")


class ApiView(APIView):
    """Checks, in this order: token, mode, path, method, scope and business unit; then ids and the body.

    ``scopes`` names the scope each answering method wants; a method that is not in it answers 405.
    ``self.caller`` is the authenticated client; path ids arrive in the handler decoded and checked.
    """

    authentication_classes = (BearerAuthentication,)
    scopes: ClassVar[Mapping[str, str]] = {}
    caller: Caller

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.caller = request.user  # type: ignore[assignment]  # BearerAuthentication gives a Caller
        method = request.method or ""
        check_mode(self.caller.tenant, request.path_info, method)
        self.check_path()
        self._check_method(method)
        self._check_access(request, method)

    def check_again(self, request: Request) -> None:
        """The checks once more, for a request that was held: what it may do can have been withdrawn meanwhile."""
        self.caller, _ = BearerAuthentication().authenticate(request)
        self._check_access(request, request.method or "")

    def check_path(self) -> None:
        """Raises NotFound where the address itself does not exist for this caller."""

    def _check_method(self, method: str) -> None:
        if method == "HEAD" and "GET" in self.scopes:
            return
        if method not in self.scopes:
            answering = [*self.scopes, *(["HEAD"] if "GET" in self.scopes else [])]
            raise method_not_allowed(*sorted(answering))

    def _check_access(self, request: Request, method: str) -> None:
        scope = self.scopes["GET" if method == "HEAD" else method]
        if scope not in self.caller.scopes:
            raise ScopeMissing(f"This needs a token with the scope {scope}; ask the hub's operators for it.")
        named = request.headers.get("Tenant-Id")
        if named is not None and named != self.caller.tenant.slug:
            raise TenantMismatch(f"The token belongs to tenant {self.caller.tenant.slug}; drop the Tenant-Id header.")
        unit = self.kwargs.get("business_unit_id")
        if unit is not None and not self.caller.may_use(decode_segment(unit)):
            raise BusinessUnitNotAllowed("The token's business units do not include this one.")
        self.kwargs.update(self._checked_ids())

    def _checked_ids(self) -> dict[str, str]:
        decoded = {name: decode_segment(value) for name, value in self.kwargs.items()}
        faults = [
            Fault(pointer, reason)
            for name, pointer in ID_POINTERS.items()
            if name in decoded and (reason := fault_of_id(decoded[name]))
        ]
        if faults:
            raise InvalidId("An id in the path breaks the rules for ids.", errors=faults)
        return decoded

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """DRF's dispatch, with the handler called on the decoded ids."""
        self.args, self.kwargs = args, kwargs
        wrapped = self.initialize_request(request, *args, **kwargs)
        self.request, self.headers = wrapped, {}
        try:
            self.initial(wrapped, *args, **kwargs)
            handler = getattr(self, (wrapped.method or "").lower())
            response = handler(wrapped, *args, **self.kwargs)
        except Exception as error:  # noqa: BLE001  # the edge: every error becomes one problem answer
            response = self.handle_exception(error)
        self.response = self.finalize_response(wrapped, response, *args, **kwargs)
        return self.response

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # a plain answer, not DRF's
        return exception_handler(exc, {"view": self})


class UnknownPath(ApiView):
    """Every address under ``/api/`` that does not exist: 401 and the mode's 405 come first, then 404."""

    def check_path(self) -> None:
        raise NotFound("There is nothing at this address; see /docs for the addresses that exist.")
