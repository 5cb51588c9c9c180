"""A database from before release 1.0 is met with one message that says what to do, and is left as it was."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import free_port
from tests.test_up import EMBEDDED, tree  # noqa: F401  # a fixture

SAYS = "was made before release 1.0 and cannot be brought to this version; nothing was changed."
NEXT = "make an empty database (for make up: move var/hub.sqlite3 away), migrate it, and apply the exported file."


@pytest.mark.parametrize("command", ["migrate", "up"])
def test_an_older_database_is_refused_in_one_message_and_left_as_it_was(tree, command):
    file = Path(tree, "var", "hub.sqlite3")
    file.parent.mkdir()
    with sqlite3.connect(file) as older:
        older.execute("CREATE TABLE django_migrations (id INTEGER PRIMARY KEY, app TEXT, name TEXT, applied TEXT)")
        older.execute("INSERT INTO django_migrations VALUES (1, 'orders', '0001_the_core_rows', '2026-11-20 10:00:00')")
    environ = {k: v for k, v in os.environ.items() if k not in EMBEDDED} | {"PORT": str(free_port()), "CHECK": "1"}
    arguments = [sys.executable, "manage.py", command]
    done = subprocess.run(arguments, cwd=tree, env=environ, capture_output=True, text=True, timeout=120, check=False)
    said = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert said.count(SAYS) == 1
    assert said.endswith(NEXT)
    assert "Traceback" not in said
    with sqlite3.connect(file) as older:
        assert older.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [
            ("django_migrations",)
        ]
