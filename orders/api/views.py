"""The base of every API view: DRF's policies, in the contract's order of checks (docs/reference/api.md#checks)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from orders.access.bearer_tokens import BearerAuthentication, Caller
from orders.api.parsers import ApiRequest, StrictJSONParser
from orders.api.permissions import METHOD_AND_ACCESS, AnswersInMode, NoSuchAddress
from orders.api.renderers import ExactJSONRenderer, OnlyOne
from orders.http.raw_paths import fault_of_id
from orders.values.problems import Fault, InvalidId

ID_POINTERS = {"business_unit_id": "/businessUnitId", "customer_order_id": "/customerOrderId"}


class ApiView(APIView):
    """Checks, in this order: token, permissions (mode, path, method, scope, business unit), throttles, ids; then the
    handler reads ``request.data``.

    Each handler is decorated with its ``Operation``; ``scopes`` has the scope that each method wants. Path ids arrive
    decoded (orders.http.raw_paths).
    """

    http_method_names = ("get", "head", "post", "put")
    """Without OPTIONS, and sorted as ``Allow`` has them."""
    authentication_classes = (BearerAuthentication,)
    permission_classes: Sequence[type[BasePermission]] = (AnswersInMode, *METHOD_AND_ACCESS)
    parser_classes: Sequence[type[BaseParser]] = (StrictJSONParser,)
    renderer_classes: Sequence[type[ExactJSONRenderer]] = (ExactJSONRenderer,)
    content_negotiation_class = OnlyOne
    scopes: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        handlers = {method.upper(): getattr(cls, method, None) for method in cls.http_method_names}
        cls.scopes = {method: handler.operation.scope for method, handler in handlers.items() if handler}

    @property
    def caller(self) -> Caller:
        """The authenticated client."""
        caller: Caller = self.request.user  # type: ignore[assignment]  # BearerAuthentication gives a Caller
        return caller

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: only a 405 has ``Allow``, which depends on the tenant's mode."""
        return {}

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> ApiRequest:
        return ApiRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_ids(kwargs)

    def check_again(self, request: ApiRequest) -> None:
        """The checks once more, for a request that was held: what it may do can have been withdrawn since."""
        request.user, _ = BearerAuthentication().authenticate(request)
        self.check_permissions(request)


def check_ids(decoded: Mapping[str, str]) -> None:
    """Raises InvalidId (400) with every fault of the ids in the path."""
    faults = [
        Fault(pointer, reason)
        for name, pointer in ID_POINTERS.items()
        if name in decoded and (reason := fault_of_id(decoded[name]))
    ]
    if faults:
        raise InvalidId("An id in the path breaks the rules for ids.", errors=faults)


class UnknownPath(ApiView):
    """Every address under ``/api/`` that does not exist: 401 and the mode's 405 come first, then 404."""

    permission_classes = (AnswersInMode, NoSuchAddress)
