"""One operation of the API: who may call it, what it takes, and every answer it gives."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema

from orders.api.schema.components import PROBLEM, Json
from orders.values.problems import (
    BusinessUnitNotAllowed,
    Internal,
    InvalidBody,
    InvalidId,
    InvalidParameter,
    NotAuthenticated,
    Problem,
    ScopeMissing,
    TenantMismatch,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)

Handler = TypeVar("Handler", bound=Callable[..., Any])

ALWAYS = (InvalidParameter, NotAuthenticated, ScopeMissing, TenantMismatch, Internal, Unavailable)
"""What any operation under /api may answer."""
OF_A_UNIT = (InvalidId, BusinessUnitNotAllowed)
OF_A_BODY = (InvalidBody, TooLarge, UnsupportedMediaType)

_HEADERS_OF_PROBLEMS = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One good answer. ``schema`` None: no body.

    ``links``: which operations go on from here, each with where its parameters are found in this answer or request.
    """

    description: str
    schema: Json | None = None
    headers: tuple[str, ...] = ()
    media_type: str = "application/json"
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def as_json(self) -> Json:
        content = {} if self.schema is None else {"content": {self.media_type: {"schema": self.schema}}}
        onward = {name: {"operationId": name, "parameters": dict(given)} for name, given in self.links.items()}
        links = {"links": onward} if onward else {}
        return {"description": self.description, "headers": _headers(*self.headers), **content, **links}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request body."""

    schema: Json
    required: bool = True
    media_type: str = "application/json"
    example: Any = None

    def as_json(self) -> Json:
        example = {} if self.example is None else {"example": self.example}
        return {"required": self.required, "content": {self.media_type: {"schema": self.schema, **example}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Decorates a view's handler: ``@documented.get_order``. The description is the handler's docstring.

    ``path`` and ``query`` name the parameters with their schemas; ``problems`` are those beyond ``ALWAYS``.
    """

    id: str
    summary: str
    tag: str
    scope: str
    answers: Mapping[int, Answer]
    path: Mapping[str, Json] = field(default_factory=dict)
    query: Mapping[str, Json] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    """Query parameters and headers that must be given."""
    headers: Mapping[str, Json] = field(default_factory=dict)
    body: Body | None = None
    problems: tuple[type[Problem], ...] = ()

    def __call__(self, handler: Handler) -> Handler:
        decorated: Handler = extend_schema(operation=self.as_json(inspect.getdoc(handler) or ""))(handler)
        return decorated

    def as_json(self, description: str = "") -> Json:
        """The OpenAPI Operation Object."""
        said = {"description": description} if description else {}
        body = {} if self.body is None else {"requestBody": self.body.as_json()}
        return {
            "operationId": self.id,
            "summary": self.summary,
            **said,
            "tags": [self.tag],
            "security": [{"clients": [self.scope]}],
            "parameters": self._parameters(),
            **body,
            "responses": self._responses(),
        }

    def _parameters(self) -> list[Json]:
        places = (("path", self.path), ("query", self.query), ("header", self.headers))
        own = [
            {"name": name, "in": place, "required": place == "path" or name in self.needed, "schema": schema}
            for place, parameters in places
            for name, schema in parameters.items()
        ]
        return [*own, *({"$ref": f"#/components/parameters/{name}"} for name in ("CorrelationId", "TenantId"))]

    def _responses(self) -> Json:
        of_a_unit = OF_A_UNIT if "businessUnitId" in self.path else ()
        of_a_body = OF_A_BODY if self.body else ()
        good = {str(status): answer.as_json() for status, answer in self.answers.items()}
        return good | problem_responses(*ALWAYS, *of_a_unit, *of_a_body, *self.problems)


def problem_responses(*problems: type[Problem]) -> Json:
    """The problems as responses: one per status, naming those that have it."""
    by_status: dict[int, list[type[Problem]]] = defaultdict(list)
    for problem in dict.fromkeys(problems):
        by_status[problem.status].append(problem)
    return {str(status): _problem_response(status, group) for status, group in sorted(by_status.items())}


def _problem_response(status: int, group: list[type[Problem]]) -> Json:
    schema = {
        **PROBLEM,
        "properties": {
            "type": {"enum": [f"urn:orderhub:problem:{problem.name}" for problem in group]},
            "status": {"const": status},
        },
    }
    header = _HEADERS_OF_PROBLEMS.get(status)
    return {
        "description": "\n".join(f"* `{problem.name}`: {problem.title}" for problem in group),
        "headers": _headers(*([header] if header else [])),
        "content": {"application/problem+json": {"schema": schema}},
    }


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("Correlation-Id", *names)}
