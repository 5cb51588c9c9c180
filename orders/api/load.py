"""Many orders in one request."""

from __future__ import annotations

import re
from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from orders.api.parameters import read_parameters
from orders.api.schema.migration import NDJSON, load_orders
from orders.api.views import ApiView
from orders.cutover.loads import (
    Load,
    load,
)
from orders.http.bodies import read_body
from orders.http.correlation import correlation_id
from orders.values.problems import (
    Fault,
    InvalidParameter,
)

LIMIT_BYTES = 16 * 1024 * 1024
"""docs/reference/api.md#loads."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class LoadView(ApiView):
    scopes: ClassVar = {"POST": "customer-orders:write"}

    @load_orders
    def post(self, request: Request) -> HttpResponse:
        """Accept up to 1,000 order events, one per line of the body, each as a PUT would: same validation, same queue.

        A line that is refused keeps no other from being stored. Lines of one order get consecutive sequences in the
        order of the lines. With an Idempotency-Key a repeat within 24 hours is answered as the first time and stores
        nothing.
        """
        body = read_body(request, content_type=NDJSON, limit=LIMIT_BYTES)
        read_parameters(request, {})
        answer = load(Load(self.caller, body, _key(request), correlation_id()))
        return HttpResponse(answer, content_type=NDJSON)


def _key(request: Request) -> str:
    key: str | None = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        fault = Fault("/Idempotency-Key", "must be 1 to 255 visible ASCII characters without blanks")
        raise InvalidParameter(errors=[fault])
    return key or ""
