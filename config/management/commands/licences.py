"""``manage.py licences``: under which licence each locked library comes, from its own metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

from django.core.management.base import BaseCommand

from config.env import BASE_DIR

LOCK = BASE_DIR / "requirements.lock"
NAMES = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
WORDS_MOST = 60
"""A licence field may hold the whole licence; its first line names it."""


class Command(BaseCommand):
    help = "Print a table of the libraries in requirements.lock with their versions and licences."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("| library | version | licence |\n|---|---|---|")
        for name, version, licence in _rows():
            self.stdout.write(f"| {name} | {version} | {licence} |")


def _rows() -> Iterator[tuple[str, str, str]]:
    for name in sorted(NAMES.findall(LOCK.read_text()), key=str.lower):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            yield name, "", "not installed on this platform"
            continue
        yield name, found.version, licence_of(found)


def licence_of(found: Distribution) -> str:
    """The SPDX expression where the library gives one, else its classifiers, else the first line of its own words."""
    metadata = found.metadata.json
    expression = str(metadata.get("license_expression", ""))
    classifiers = [one.rpartition(" :: ")[2] for one in metadata.get("classifier", []) if one.startswith("License ::")]
    own = str(metadata.get("license", "")).strip().splitlines()
    return expression or ", ".join(classifiers) or (own[0][:WORDS_MOST] if own else "not stated")
