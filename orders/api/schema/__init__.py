"""The OpenAPI document: what every address answers, written down beside the address and collected once per process.

    Operation (decorates a view's handler) -> Generator walks config.urls -> /schemas/v1/openapi.json -> /docs

An app documents its own views: it decorates their handlers with an ``Operation`` and names its schemas with ``define``.
"""

from orders.api.schema.components import define, ref
from orders.api.schema.core import documented
from orders.api.schema.operations import Answer, Body, Operation

__all__ = ["Answer", "Body", "Operation", "define", "documented", "ref"]
