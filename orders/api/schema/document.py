"""The document itself and its page, made once per process from the addresses that exist."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView
from pydantic.alias_generators import to_camel

from orders.api.errors import ProblemResponse, problem_of, reads_only
from orders.api.schema.components import HEADERS, PARAMETERS, Json, security_schemes
from orders.api.schema.operations import Components, example_of
from orders.api.schema.plain import plain_paths

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class _Addresses(EndpointEnumerator):
    def get_path_from_regex(self, path_regex: str) -> str:
        return written(path_regex)


def written(route: str) -> str:
    """A route as OpenAPI writes it: ``{businessUnitId}`` for a parameter."""
    return "/" + _PARAMETER.sub(lambda found: "{" + to_camel(found[1]) + "}", route)


class _Generator(SchemaGenerator):
    endpoint_inspector_cls = _Addresses


def openapi_document() -> Json:
    """The whole document, made anew."""
    generator = _Generator()  # type: ignore[no-untyped-call]  # the generator has no types
    generator.registry = parts = Components()
    document: Json = generator.get_schema(public=True)  # type: ignore[no-untyped-call]
    document["paths"] = dict(sorted((document["paths"] | plain_paths(parts)).items()))
    document["components"] = {
        "schemas": parts.schemas(),
        "parameters": {name: {"name": name, "in": "header", **parts.part(kind)} for name, kind in PARAMETERS.items()},
        "headers": {name: parts.part(kind) for name, kind in HEADERS.items()},
        "securitySchemes": security_schemes(),
    }
    for media in _contents(document["paths"]):
        if "examples" not in media:
            media["example"] = example_of(media["schema"], document["components"]["schemas"])
    return document


def _contents(paths: Json) -> Iterator[Json]:
    """Every body of a request or an answer."""
    for operation in (operation for item in paths.values() for operation in item.values()):
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            yield from body.get("content", {}).values()


_making = threading.Lock()
_made: list[bytes] = []


def _once() -> bytes:
    with _making:
        if not _made:
            _made.append(orjson.dumps(openapi_document()))
        return _made[0]


@reads_only
def openapi(request: HttpRequest) -> HttpResponse:
    """``/schemas/v1/openapi.json``, without authentication."""
    return HttpResponse(_once(), content_type="application/json")


class DocsView(SpectacularSwaggerSplitView):
    """``/docs``: Swagger UI from this server's own files; scripts apart from the page, as the strict policy wants."""

    url_name = "openapi"
    http_method_names = ("get", "head")

    def get_exception_handler(self) -> Any:
        """The page's own renderer writes HTML, which a problem is not."""
        return lambda error, _context: ProblemResponse(problem_of(error))
