"""One operation of the API: who may call it, what it takes, and every answer it gives.

Its models describe and do not validate: requests are checked where the contract's texts of errors are made.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from orders.api.schema import components
from orders.api.schema.components import Json
from orders.values.problems import (
    BusinessUnitNotAllowed,
    ExternalBusy,
    ExternalContract,
    ExternalTimeout,
    ExternalUnavailable,
    Internal,
    InvalidBody,
    InvalidId,
    InvalidParameter,
    NotAuthenticated,
    Problem,
    ProxyNotConfigured,
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
READ_THROUGH = (ExternalContract, ExternalUnavailable, ExternalBusy, ProxyNotConfigured, ExternalTimeout)
"""What a read may answer while the tenant's orders are read from its own system."""

MODE: Literal["validation"] = "validation"
_PLACE = "#/components/schemas/"
_HEADERS_OF_PROBLEMS = {401: "WWW-Authenticate", 405: "Allow", 412: "ETag", 429: "Retry-After", 503: "Retry-After"}


class _JsonSchema(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        """Titles are the members' names once more."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A default of None says that the member may be absent, not that it is null."""
        absent = schema.get("default") is None
        return self.generate_inner(schema["schema"]) if absent else super().default_schema(schema)


class Components(ComponentRegistry):
    """The schemas of a document: those that its operations refer to, and theirs."""

    def __init__(self) -> None:
        super().__init__()
        self._models: dict[str, Any] = {}

    def schema(self, kind: Any) -> Json:
        """The reference to a model, or the schema of any other type."""
        if not isinstance(kind, type):
            return TypeAdapter(kind).json_schema(schema_generator=_JsonSchema)
        if self._models.setdefault(kind.__name__, kind) is not kind:
            raise ValueError(f"two models are called {kind.__name__}")
        return {"$ref": _PLACE + kind.__name__}

    def part(self, kind: Any) -> Json:
        """A described type as a parameter or a header."""
        rule = self.schema(kind)
        said = {"description": rule.pop("description"), "example": example_of(rule, {})}
        return {"required": kind.__metadata__[-1].is_required(), **said, "schema": rule}

    def schemas(self) -> Json:
        """Each by its name, every member with an example."""
        models = [(name, MODE, TypeAdapter(model)) for name, model in self._models.items()]
        _, made = TypeAdapter.json_schemas(models, ref_template=_PLACE + "{model}", schema_generator=_JsonSchema)
        schemas: Json = dict(sorted(made["$defs"].items()))
        for schema in schemas.values():
            for rule in schema.get("properties", {}).values():
                rule.setdefault("examples", [example_of(rule, schemas)])
        return schemas


def example_of(schema: Json, schemas: Mapping[str, Json]) -> Any:
    """The example that is written, else the only or first value there is, else one made of the members'."""
    for values in ("examples", "enum"):
        if values in schema:
            return schema[values][0]
    if "const" in schema:
        return schema["const"]
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].removeprefix(_PLACE)], schemas)
    if "properties" in schema:
        return {name: example_of(rule, schemas) for name, rule in schema["properties"].items()}
    if "items" in schema:
        return [example_of(schema["items"], schemas)]
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        return example_of(choices[0], schemas)
    raise ValueError(f"give an example of the member {schema}")


@dataclass(frozen=True, slots=True)
class Answer:
    """One good answer. ``model`` None: no body.

    ``links``: which operations go on from here, each with where its parameters are found in this answer or request.
    """

    description: str
    model: Any = None
    headers: tuple[str, ...] = ()
    media_type: str = "application/json"
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def as_json(self, parts: Components) -> Json:
        content = {} if self.model is None else {"content": {self.media_type: {"schema": parts.schema(self.model)}}}
        onward = {name: {"operationId": name, "parameters": dict(given)} for name, given in self.links.items()}
        links = {"links": onward} if onward else {}
        return {"description": self.description, "headers": _headers(*self.headers), **content, **links}


@dataclass(frozen=True, slots=True)
class Body:
    """A request body."""

    model: Any
    required: bool = True
    media_type: str = "application/json"

    def as_json(self, parts: Components) -> Json:
        return {"required": self.required, "content": {self.media_type: {"schema": parts.schema(self.model)}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainOperation:
    """What one address answers to one method."""

    id: str
    summary: str
    description: str = ""
    tag: str
    answers: Mapping[int, Answer]
    body: Body | None = None
    problems: tuple[type[Problem], ...] = ()

    def as_json(self, parts: Components) -> Json:
        """The OpenAPI Operation Object."""
        body = {} if self.body is None else {"requestBody": self.body.as_json(parts)}
        good = {str(status): answer.as_json(parts) for status, answer in self.answers.items()}
        return {
            "operationId": self.id,
            "summary": self.summary,
            "description": self.description,
            "tags": [self.tag],
            "security": [],
            **body,
            "responses": good | _problem_responses(parts, self.problems),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(PlainOperation):
    """Decorates a view's handler, whose docstring is the description.

    ``path``, ``query`` and ``headers`` name the parameters; ``problems`` are those beyond ``ALWAYS``.
    """

    scope: str
    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[Any, ...] = ()
    """Models of single lines, where a body is not one JSON value."""

    def __call__(self, handler: Handler) -> Handler:
        of_a_unit = OF_A_UNIT if "businessUnitId" in self.path else ()
        of_a_body = OF_A_BODY if self.body else ()
        handler.operation = replace(  # type: ignore[attr-defined]
            self,
            description=inspect.getdoc(handler) or "",
            problems=(*ALWAYS, *of_a_unit, *of_a_body, *self.problems),
        )
        return handler

    def as_json(self, parts: Components) -> Json:
        for model in self.lines:
            parts.schema(model)
        places = (("path", self.path), ("query", self.query), ("header", self.headers))
        own = [
            {"name": name, "in": place, **parts.part(kind)} for place, kinds in places for name, kind in kinds.items()
        ]
        shared = [{"$ref": f"#/components/parameters/{name}"} for name in components.PARAMETERS]
        guarded = {"security": [{"clients": [self.scope]}], "parameters": own + shared}
        return PlainOperation.as_json(self, parts) | guarded


class DeclaredSchema(AutoSchema):
    """DRF's schema of every view: the operation that decorates the handler."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        parts = registry if isinstance(registry, Components) else Components()  # the system check has its own registry
        return None if self.is_excluded() else getattr(self.view, method.lower()).operation.as_json(parts)


def _problem_responses(parts: Components, problems: tuple[type[Problem], ...]) -> Json:
    """The problems as responses: one per status, naming those that have it."""
    by_status: dict[int, list[type[Problem]]] = defaultdict(list)
    for problem in dict.fromkeys(problems):
        by_status[problem.status].append(problem)
    schema = parts.schema(components.Problem)
    return {str(status): _problem_response(schema, status, group) for status, group in sorted(by_status.items())}


def _problem_response(schema: Json, status: int, group: list[type[Problem]]) -> Json:
    names = [f"urn:orderhub:problem:{problem.name}" for problem in group]
    properties = {
        "type": {"enum": names, "description": "Which of these it is.", "examples": names[:1]},
        "status": {"const": status, "description": "The HTTP status.", "examples": [status]},
    }
    examples = {problem.name: {"value": problem().as_json(components.CORRELATION_ID)} for problem in group}
    header = _HEADERS_OF_PROBLEMS.get(status)
    return {
        "description": "\n".join(f"* `{problem.name}`: {problem.title}" for problem in group),
        "headers": _headers(*([header] if header else [])),
        "content": {"application/problem+json": {"schema": {**schema, "properties": properties}, "examples": examples}},
    }


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("Correlation-Id", *names)}
