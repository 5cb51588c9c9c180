"""This process and its host."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from django.conf import settings

from config.doctor.findings import Finding, warning, well, wrong
from config.env import BASE_DIR, VAR_DIR, misspelt
from config.settings import ENV

LOCK = BASE_DIR / "requirements.lock"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*(.*?))?\s*\\?$", re.MULTILINE)
FREE_LEAST = 1 << 30
"""A gigabyte: PostgreSQL's write-ahead log alone may take that between two checkpoints (max_wal_size's default)."""


def versions() -> Iterator[Finding]:
    """What is installed is what was locked and tested."""
    here = f"Orderhub {settings.HUB_VERSION}, Python {platform.python_version()}"
    differing = sorted(f"{name} {found} instead of {wanted}" for name, wanted, found in _differing())
    if differing:
        yield wrong("versions", f"{here}; installed but not as locked: {', '.join(differing)}", "Run make install.")
    else:
        yield well("versions", f"{here}; every library as in requirements.lock")


def _differing() -> Iterator[tuple[str, str, str]]:
    """A library that is only for other platforms is not missing here, so an absent one is not judged."""
    for name, wanted, _ in PINNED.findall(LOCK.read_text()):
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        if found != wanted:
            yield name, wanted, found


def disk() -> Iterator[Finding]:
    for what, folder in (("temporary files", Path(tempfile.gettempdir())), ("var/", VAR_DIR)):
        if not folder.exists():
            continue
        free = shutil.disk_usage(folder).free
        said = f"{free / (1 << 30):.1f} GiB free for {what}"
        if free < FREE_LEAST:
            yield wrong("disk", said, f"Free some space below {folder}: without it the hub cannot store orders.")
        else:
            yield well("disk", said)


def environment() -> Iterator[Finding]:
    names = misspelt(dict(os.environ))
    for sentence in names:
        yield warning("environment", sentence, "Correct its name, or take it out (docs/reference/environment.md).")
    if not names:
        yield well("environment", "every HUB_ variable is one that the hub reads")


def address() -> Iterator[Finding]:
    url = settings.HUB_PUBLIC_URL
    if ENV.on_sqlite:
        yield well("address", f"{url}; the embedded default, for trying things out")
    elif not url.startswith("https://"):
        step = "Put a TLS proxy in front and set HUB_PUBLIC_URL to its https address."
        yield wrong("address", f"{url} is not https: passwords and orders cross the network in clear", step)
    else:
        yield well("address", f"{url}")
    if settings.HUB_OUTBOUND_ALLOW_HTTP and not ENV.on_sqlite:
        yield warning(
            "address", "partners may be called by plain http", "Unset HUB_OUTBOUND_ALLOW_HTTP if none needs it."
        )
    if settings.HUB_FAULT_INJECTION:
        yield wrong("address", "fault injection is on: orders named fault-… fail", "Unset HUB_FAULT_INJECTION.")
