"""The Makefile: production refuses the embedded default, a missing Python is told, passes add up honestly."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import passes

ROOT = Path(__file__).resolve().parents[2]


def make(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "VENV": sys.prefix}
    return subprocess.run(
        [shutil.which("make"), *arguments],
        cwd=ROOT,
        env=kept | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.both
@pytest.mark.parametrize("target", ["serve", "worker", "beat"])
def test_production_refuses_sqlite_and_an_empty_redis_url_by_name(target, tmp_path):
    done = make(target, DATABASE_URL=f"sqlite:///{tmp_path}/hub.sqlite3")
    assert done.returncode != 0
    assert "DATABASE_URL" in done.stderr
    assert "REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_a_new_enough_python_the_message_names_what_to_install(tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = make("runtime", PATH=f"{tmp_path}:/nonexistent", VENV=str(tmp_path / "venv"))
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_make_alone_lists_what_can_be_made():
    listed = [line.split()[1] for line in make().stdout.splitlines()]
    assert listed == [
        *(
            "list",
            "up",
            "test",
            "test-long",
            "check",
            "bench",
            "bench-scale",
            "soak",
            "sizes",
            "chaos",
            "fuzz",
            "migration-drill",
        ),
        *("install", "migrate", "serve", "worker", "beat"),
    ]


@pytest.mark.parametrize(
    ("codes", "chosen", "wanted"),
    [
        ((0, 0), False, 0),
        ((1, 0), False, 1),
        ((0, 1), False, 1),
        ((0, passes.NO_TESTS), False, 1),
        ((0, passes.NO_TESTS), True, 0),
        ((passes.NO_TESTS, passes.NO_TESTS), True, 1),
        ((passes.NO_TESTS, 1), True, 1),
        ((passes.INTERRUPTED, passes.NO_TESTS), True, 1),
    ],
)
def test_the_exit_code_is_honest(codes, chosen, wanted):
    assert passes.verdict(dict(zip(("PostgreSQL", "SQLite"), codes, strict=True)), chosen=chosen) == wanted
