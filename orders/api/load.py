"""Many orders in one request."""

from __future__ import annotations

import re
from typing import ClassVar

from rest_framework.response import Response

from orders.api.parameters import read_parameters
from orders.api.parsers import ApiRequest, RawJSONParser
from orders.api.renderers import ExactJSONRenderer
from orders.api.schema.migration import NDJSON, load_orders
from orders.api.views import ApiView
from orders.cutover.loads import Load, load
from orders.http.correlation import correlation_id
from orders.values.problems import Fault, InvalidParameter

LIMIT_BYTES = 16 * 1024 * 1024
"""docs/reference/api.md#loads."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class LinesParser(RawJSONParser):
    """The bytes of a body with one JSON document per line."""

    media_type = NDJSON
    limit_bytes = LIMIT_BYTES


class LinesRenderer(ExactJSONRenderer):
    media_type = NDJSON


class LoadView(ApiView):
    parser_classes = (LinesParser,)
    renderer_classes = (LinesRenderer,)
    scopes: ClassVar = {"POST": "customer-orders:write"}

    @load_orders
    def post(self, request: ApiRequest) -> Response:
        """Accept up to 1,000 order events, one per line of the body, each as a PUT would: same validation, same queue.

        A line that is refused keeps no other from being stored. Lines of one order get consecutive sequences in the
        order of the lines. With an Idempotency-Key a repeat within 24 hours is answered as the first time and stores
        nothing.
        """
        body = request.data
        read_parameters(request, {})
        answer = load(Load(self.caller, body, _key(request), correlation_id()))
        return Response(answer)


def _key(request: ApiRequest) -> str:
    key: str | None = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        fault = Fault("/Idempotency-Key", "must be 1 to 255 visible ASCII characters without blanks")
        raise InvalidParameter(errors=[fault])
    return key or ""
