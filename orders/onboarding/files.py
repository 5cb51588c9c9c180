"""Apply and export onboarding files, for the command and the admin's upload."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import LiteralScalarString

from orders.integrations import sections
from orders.integrations.onboarding_faults import FileFault, FileRefused
from orders.integrations.onboarding_report import Place, Report
from orders.integrations.onboarding_sections import Section
from orders.models import Tenant
from orders.onboarding.checks import check
from orders.onboarding.tenants import apply_tenant, exported_tenant
from orders.onboarding.yaml_text import Text, read
from orders.outbox.deliveries import hold_lanes
from orders.values.problems import Problem

Agree = Callable[[Report], None]
"""Called with the report before the commit; an exception from it rolls everything back."""

_LOCK = 0x0B0A2D
"""Key of the PostgreSQL advisory lock that serialises changes of configuration; nothing else uses this number."""


def unasked(report: Report) -> None:
    """Agree to everything: for commands, and for a tenant that is off."""


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """A transaction in which no other one changes configuration. SQLite's are IMMEDIATE and so already exclusive."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        yield


def apply_file(
    content: bytes, *, file: str, who: str, dry_run: bool = False, environment: bool = False, agree: Agree = unasked
) -> Report:
    """Apply the whole file or nothing, in one transaction. Raises FileRefused with every fault.

    A dry run does everything and rolls back. ``environment``: secrets may name ``${ONBOARD_NAME}``; only for a file
    of the account that runs the process, never for an upload.
    """
    text = read(content, file=file)
    with one_at_a_time():
        report = _apply_text(text, who=who, environment=environment)
        agree(report)
        transaction.set_rollback(dry_run)
    return report


def apply_keys(tenant: Tenant, keys: Callable[[], Mapping[str, Any]], *, who: str, agree: Agree = unasked) -> Report:
    """Apply the tenant's exported file with these keys replaced.

    For forms: raises FileRefused whose faults have places such as ``("tenants", 0, "suppliers", 0, "webhook", "url")``.
    ``keys`` is called under the configuration lock; an exception from it ends the change.
    """
    with one_at_a_time():
        stored = exported_tenant(Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk))
        stored.pop("api_clients", None)
        report = _apply_text(_written({**stored, **keys()}), who=who)
        agree(report)
    return report


def add_tenant(keys: Callable[[], Mapping[str, Any]], *, who: str) -> Report:
    """Add a tenant from a form, as ``apply_keys``; ``keys`` raises if it exists."""
    with one_at_a_time():
        return _apply_text(_written(keys()), who=who)


def _written(tenant: Mapping[str, Any]) -> Text:
    data = {"tenants": [_plain(dict(tenant))]}
    return Text("the form", data, dict.fromkeys(_places(data), 1))


def exported_objects(tenant: Tenant, key: str) -> Any:
    """The value of one key of the tenant's exported file, secrets masked; None when the key would be absent."""
    section = sections().get(key)
    return section.export(tenant) if section else exported_tenant(tenant).get(key)


def _apply_text(text: Text, *, who: str, environment: bool = False) -> Report:
    report = Report(note=f"onboarding by {who}")
    faults = _apply(check(text, environment=environment), text, report)
    if faults:
        raise FileRefused(text.file, faults)
    return report


def _places(data: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    below = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for part, value in below:
        yield from _places(value, (*place, part))


def _apply(model: Any, text: Text, report: Report) -> list[FileFault]:
    """Apply every tenant with its sections; returns the faults that the database or a section found."""
    report.tenants = [entry.id for entry in model.tenants]
    for number, entry in enumerate(model.tenants):
        report.base = ("tenants", number)
        tenant = apply_tenant(entry, report)
        for key, section in sections().items():
            if section.default is None and getattr(entry, key) is None:
                continue
            _apply_section(section, key, tenant, getattr(entry, key), report)
    hold_lanes(report.lanes)
    for work in report.last:
        work()
    return [text.fault(refusal.place, refusal.because) for refusal in report.refusals]


def _apply_section(section: Section, key: str, tenant: Tenant, value: Any, report: Report) -> None:
    """Apply one section; a Problem that it raises becomes a fault, and the other sections are still applied."""
    try:
        section.apply(tenant, value, report)
    except Problem as problem:
        for fault in problem.errors:
            report.refuse(key, *_parts(fault.pointer), because=fault.detail)
        if not problem.errors:
            report.refuse(key, because=problem.detail)


def _parts(pointer: str) -> Place:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def export_tenant(tenant: Tenant) -> str:
    """The tenant as an onboarding file, secrets masked; applying it changes nothing."""
    data = exported_tenant(tenant)
    for key, section in sections().items():
        value = section.export(tenant)
        if value is not None and value != []:
            data[key] = value
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump({"tenants": [_plain(data)]}, out)
    return out.getvalue()


class _Representer(RoundTripRepresenter):
    """Writes None as ``null``: an empty value looks forgotten."""


_Representer.add_representer(
    type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
)


def _plain(value: Any) -> Any:
    """Plain lists and objects; whole floats as integers, texts of several lines (PEM keys) as blocks."""
    if isinstance(value, dict):
        return {str(key): _plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(below) for below in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        return LiteralScalarString(value) if "\n" in value else str(value)
    return value
