"""The document itself and its page, made once per process from the addresses that exist."""

from __future__ import annotations

import re
import threading
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView

from orders.api.errors import ProblemResponse, problem_of, reads_only
from orders.api.schema.components import Json, components
from orders.api.schema.plain import plain_paths

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class _Addresses(EndpointEnumerator):
    def get_path_from_regex(self, path_regex: str) -> str:
        return written(path_regex)


def written(route: str) -> str:
    """A route as OpenAPI writes it: ``{businessUnitId}`` for a parameter."""
    return "/" + _PARAMETER.sub(lambda found: "{" + _camel(found[1]) + "}", route)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class _Generator(SchemaGenerator):
    endpoint_inspector_cls = _Addresses


def openapi_document() -> Json:
    """The whole document, made anew."""
    document: Json = _Generator().get_schema(public=True)  # type: ignore[no-untyped-call]  # the generator has no types
    document["paths"] = dict(sorted((document["paths"] | plain_paths()).items()))
    document["components"] = components()
    return document


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
