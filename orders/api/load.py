"""Many orders in one request."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, RootModel
from rest_framework.response import Response

from orders.api.parameters import read_parameters
from orders.api.parsers import ApiRequest, RawJSONParser
from orders.api.renderers import ExactJSONRenderer
from orders.api.schema import Answer, Body, Operation, components
from orders.api.views import ApiView
from orders.cutover.loads import Load, load
from orders.documents.schema import LoadLine
from orders.documents.value_types import Model, member, optional
from orders.http.correlation import correlation_id
from orders.values.problems import Fault, IdempotencyKeyReused, InvalidParameter, ProxyMode

NDJSON = "application/x-ndjson"
LIMIT_BYTES = 16 * 1024 * 1024
"""docs/reference/api.md#loads."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
ORDER = '{"customerOrderId":"1001","customerId":"111","status":"CREATED","items":[]}'
LINE = f'{{"businessUnitId":"store-1","customerOrder":{ORDER}}}\n'
ANSWER = f'{{"line":1,"status":202,"eventId":"{components.EVENT_ID}","sequence":1}}\n'
"""Examples."""
Lines = Annotated[str, member("One JSON object (LoadLine) per line, at most 1,000 lines and 16 MiB.", LINE)]
AnswerLines = Annotated[str, member("One JSON object (LoadAnswerLine) per line.", ANSWER)]
IdempotencyKey = Annotated[
    str,
    optional("Kept for 24 hours; a repeat stores nothing.", "load-1", min_length=1, max_length=255, pattern="^[!-~]+$"),
]
LineNumber = Annotated[int, member("The line's number in the body.", 1, ge=1)]


class AcceptedLine(Model):
    line: LineNumber
    status: Literal[202] = member("As of a PUT.")
    event_id: components.EventId
    sequence: components.Sequence


class RefusedLine(Model):
    line: LineNumber
    status: Literal[400, 403, 413] = member("As of a PUT.")
    errors: list[components.Fault] = member("What is wrong with the line.")


class LoadAnswerLine(RootModel[Annotated[AcceptedLine | RefusedLine, Field(discriminator="status")]]):
    """One line of the answer to a load; the lines come in the order of the body's."""


class LinesParser(RawJSONParser):
    """The bytes of a body with one JSON document per line."""

    media_type = NDJSON
    limit_bytes = LIMIT_BYTES


class LinesRenderer(ExactJSONRenderer):
    media_type = NDJSON


class LoadView(ApiView):
    parser_classes = (LinesParser,)
    renderer_classes = (LinesRenderer,)

    @Operation(
        id="loadCustomerOrders",
        summary="Send up to 1,000 orders at once",
        tag=components.ORDERS,
        scope="customer-orders:write",
        headers={"Idempotency-Key": IdempotencyKey},
        body=Body(Lines, media_type=NDJSON),
        answers={200: Answer("What became of each line", AnswerLines, media_type=NDJSON)},
        problems=(ProxyMode, IdempotencyKeyReused),
        lines=(LoadLine, LoadAnswerLine),
    )
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
