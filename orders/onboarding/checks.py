"""Validate a file's values: all faults at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orders.integrations.onboarding_faults import FileFault, FileRefused
from orders.integrations.onboarding_report import Place
from orders.models import ApiClient
from orders.models.tenants import SUPPLIER_SCOPES, TENANT_SCOPES
from orders.onboarding.fields import FROM_ENVIRONMENT, Entry
from orders.onboarding.model import file_model
from orders.onboarding.yaml_text import Text

_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a known key; correct its name or leave it out",
    "string_type": "must be a text; put it in quotes if it looks like something else",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object of keys and values",
    "model_type": "must be an object of keys and values",
    "model_attributes_type": "must be an object of keys and values",
}


def check(text: Text, *, environment: bool = False) -> Any:
    """The file as its model. Raises FileRefused with every fault that can be found before rows are written.

    ``environment``: whether ``${ONBOARD_NAME}`` in a secret is read.
    """
    faults: list[FileFault] = []
    model: Entry | None = None
    try:
        model = file_model().model_validate(text.data, context={FROM_ENVIRONMENT: environment})
    except ValidationError as error:
        faults += _worded(text, error.errors(include_url=False, include_input=False))
    faults += [*_duplicates(text), *_foreign_scopes(text), *_foreign_clients(text)]
    if faults:
        raise FileRefused(text.file, faults)
    return model


def _worded(text: Text, errors: Sequence[ErrorDetails]) -> Iterator[FileFault]:
    """Errors as faults; several errors at one place (a value of two possible types) become one fault."""
    words: dict[Place, list[str]] = {}
    for error in errors:
        place = _place(text.data, error)
        said = words.setdefault(place, [])
        if _words(error) not in said:
            said.append(_words(error))
    for place, said in words.items():
        yield text.fault(place, " or ".join(said))


def _place(data: Any, error: ErrorDetails) -> Place:
    """pydantic's path without the type names that it puts between keys."""
    place: Place = ()
    at = data
    for part in error["loc"]:
        inside = part in at if isinstance(at, dict) else isinstance(at, list) and part in range(len(at))
        if inside:
            place, at = (*place, part), at[part]
    last = error["loc"][-1] if error["loc"] else 0
    absent = isinstance(at, dict) and isinstance(last, str) and last not in at and "[" not in last
    return (*place, last) if absent and error["type"] in ("missing", "value_error") else place


def _words(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {context['expected']}"
    if kind == "union_tag_invalid":
        return f"has an unknown {context['discriminator']}; known are {context['expected_tags']}"
    if kind == "union_tag_not_found":
        return f"must be an object with the key {context['discriminator']}"
    return _WORDS.get(kind) or error["msg"].replace("Input should", "must").replace("should", "must")


def _duplicates(text: Text) -> Iterator[FileFault]:
    """Tenants and client ids that the file names twice."""
    seen: dict[tuple[str, Any], Place] = {}
    named = [*(("tenant", place) for place in _tenant_ids(text.data)), *(("client_id", p) for p in client_ids(text))]
    for kind, place in named:
        value = value_at(text.data, place)
        if isinstance(value, str) and (first := seen.setdefault((kind, value), place)) != place:
            yield text.fault(place, f"{value!r} is already the {kind} of line {text.line(first)}")


def _tenant_ids(data: Any) -> Iterator[Place]:
    tenants = data.get("tenants") if isinstance(data, dict) else None
    for number, tenant in enumerate(tenants if isinstance(tenants, list) else ()):
        if isinstance(tenant, dict) and "id" in tenant:
            yield ("tenants", number, "id")


def client_ids(text: Text) -> list[Place]:
    """The places of every ``client_id``, including the suppliers'."""
    return [place for place in text.lines if len(place) > 3 and place[0] == "tenants" and place[-1] == "client_id"]


def value_at(data: Any, place: Place) -> Any:
    for part in place:
        data = data[part]
    return data


def _foreign_clients(text: Text) -> Iterator[FileFault]:
    """Client ids that are stored for another tenant, or for the other kind of client (tenant's, supplier's)."""
    places = {value: place for place in client_ids(text) if isinstance(value := value_at(text.data, place), str)}
    stored = ApiClient.objects.select_related("tenant").in_bulk(list(places), field_name="client_id")
    for client_id, client in stored.items():
        place = places[client_id]
        owner = text.data["tenants"][place[1]].get("id")
        if (client.tenant.slug, client.kind) != (owner, _kind(place)):
            yield text.fault(place, f"{client_id!r} is already another client's; choose another")


def _foreign_scopes(text: Text) -> Iterator[FileFault]:
    for place in client_ids(text):
        kind = _kind(place)
        known = SUPPLIER_SCOPES if kind == ApiClient.Kind.SUPPLIER else TENANT_SCOPES
        scopes = value_at(text.data, place[:-1]).get("scopes")
        for number, scope in enumerate(scopes if isinstance(scopes, list) else ()):
            if isinstance(scope, str) and scope not in known:
                there = (*place[:-1], "scopes", number)
                yield text.fault(there, f"{scope!r} is no scope of a {kind}'s client; known are {', '.join(known)}")


def _kind(place: Place) -> str:
    return ApiClient.Kind.TENANT if place[2] == "api_clients" else ApiClient.Kind.SUPPLIER
