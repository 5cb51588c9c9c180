"""The OpenAPI document: what every address answers, written down beside the address and collected once per process.

    Operation (decorates a view's handler) -> Generator walks config.urls -> /schemas/v1/openapi.json -> /docs

An app documents its own views: it decorates their handlers with an ``Operation`` of models whose members each have a
description and an example.
"""

from orders.api.schema import components
from orders.api.schema.operations import READ_THROUGH, Answer, Body, Operation

__all__ = ["READ_THROUGH", "Answer", "Body", "Operation", "components"]
