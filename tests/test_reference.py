"""The pages of docs/reference and docs/design name what the code has: variables, keys, members, scopes, states …"""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from django.core.management import get_commands
from django.test import RequestFactory
from django.urls import resolve
from pydantic import BaseModel

from orders.integrations.channels import Verdict
from orders.models import Delivery, OrderEvent
from orders.models.tenants import SUPPLIER_SCOPES, TENANT_SCOPES
from orders.onboarding.model import file_model

ROOT = Path(__file__).parents[1]
READ = re.compile(r'read\("(\w+)", f?"([^"]*)"')
VARIABLE = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| (.+?) \|", re.MULTILINE)
ELSEWHERE = {"HUB_BIND", "PORT", "HUB_STAFF_PASSWORD"}
"""Read by the web server and by `manage.py staff`, not by config/env.py."""
OURS = {"config", "orders", "proxy", "suppliers", "orderflow"}


def page(name):
    return (ROOT / "docs/reference" / name).read_text()


def words(name):
    """Every word that stands alone, or as the last of a dotted path, in a code span of the page."""
    spans = re.findall(r"`([^`]+)`", page(name))
    return {word for span in spans for word in re.findall(r"\w+(?:[:-]\w+)*", span)}


def keys(annotation, seen=None):
    """The keys of every model that an annotation holds, however deep."""
    seen = set() if seen is None else seen
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
        seen.add(annotation)
        for name, field in annotation.model_fields.items():
            yield field.alias or name
            yield from keys(field.annotation, seen)
    for inner in get_args(annotation):
        yield from keys(inner, seen)


def openapi():
    address = "/schemas/v1/openapi.json"
    return json.loads(resolve(address).func(RequestFactory().get(address)).content)


def members(schema, components):
    """The members of a JSON schema, those of what it refers to included."""
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from members(inner, components)
    for inner in filter(None, [schema.get("items"), *schema.get("anyOf", ())]):
        yield from members(inner, components)
    if "$ref" in schema:
        yield from members(components[schema["$ref"].rpartition("/")[2]], components)


def test_every_variable_of_the_environment_is_on_its_page_and_no_other():
    rows = VARIABLE.findall(page("environment.md"))
    named = {name for names, _ in rows for name in re.findall(r"\w+", names)} - {"Variable"}
    read = {name for name, _ in READ.findall((ROOT / "config/env.py").read_text())}
    assert len(read) > 20
    assert named == read | ELSEWHERE


def test_every_default_of_the_environment_is_on_its_page():
    rows = {names.strip("`"): default for names, default in VARIABLE.findall(page("environment.md"))}
    wrong = [
        f"{name}: {default}"
        for name, default in READ.findall((ROOT / "config/env.py").read_text())
        if default and "{" not in default and f"`{default}`" not in rows[name]
    ]
    assert wrong == []


def test_every_key_of_the_onboarding_file_is_on_its_page():
    found = set(keys(file_model())) - {"tenants"}
    assert len(found) > 40
    assert found - words("onboarding-file.md") == set()


def test_every_member_of_a_customer_order_is_on_its_page():
    components = openapi()["components"]["schemas"]
    found = set(members(components["CustomerOrderEnvelope"], components)) - {"customerOrder"}
    assert len(found) > 40
    assert found - words("customer-order.md") == set()


def test_every_scope_is_on_the_page_of_the_api():
    assert set(TENANT_SCOPES | SUPPLIER_SCOPES) - words("api.md") == set()


def test_every_operation_of_the_openapi_document_is_on_the_page_of_the_api():
    text = page("api.md")
    tails = {re.split(r"\}|/(?=[^/]*$)", path)[-1].lstrip("/") for path in openapi()["paths"]}
    assert len(tails) > 10
    assert {tail for tail in tails if tail and tail not in text} == set()


def test_every_command_of_the_hub_is_on_its_page():
    ours = {name for name, app in get_commands().items() if str(app).partition(".")[0] in OURS}
    assert len(ours) > 10
    assert {name for name in ours if not re.search(rf"`(?:make )?{name}\b", page("commands.md"))} == set()


@pytest.mark.parametrize(
    ("name", "heading", "statuses"),
    [
        ("inbox.md", "States of an event", OrderEvent.Status),
        ("outbox.md", "States of a delivery", Delivery.Status),
    ],
)
def test_a_state_diagram_has_the_statuses_of_the_rows(name, heading, statuses):
    section = (ROOT / "docs/design" / name).read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    arrows = re.findall(r"^    (\S+) --> ([^\s:]+)", section, re.MULTILINE)
    drawn = {state for arrow in arrows for state in arrow} - {"[*]"}
    assert drawn == set(statuses.values)


def test_every_verdict_of_an_attempt_is_on_the_page_of_the_outbox():
    outbox = (ROOT / "docs/design/outbox.md").read_text()
    assert [one.name for one in Verdict if f"| `{one.name}` |" not in outbox] == []
