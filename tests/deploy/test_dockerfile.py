"""The Dockerfile cannot rot: what it copies exists and is tracked, what it runs are the Makefile's targets."""

from __future__ import annotations

import json
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def instructions() -> list[tuple[str, str]]:
    """Instruction and argument of each line, continued lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def arguments(name: str) -> list[str]:
    return [argument for instruction, argument in instructions() if instruction == name]


def tracked(path: str) -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    done = subprocess.run(["git", "ls-files", "--", path], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def copied() -> list[str]:
    return [source for argument in arguments("COPY") for source in argument.split()[:-1]]


def test_every_copied_source_exists_and_is_tracked():
    assert copied() != []
    for source in copied():
        assert (ROOT / source).exists(), source
        assert tracked(source) != [], f"{source} is not tracked by git"


def test_every_copied_source_passes_the_dockerignore_and_nothing_else_does():
    first, *rest = (ROOT / ".dockerignore").read_text().split()
    let_in = [line[1:] for line in rest if line.startswith("!")]
    assert first == "*"
    assert sorted(let_in) == sorted(copied())


def test_every_app_of_the_hub_is_copied():
    apps = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert apps <= set(copied())
    assert apps >= {"config", "orders", "proxy", "suppliers", "orderflow"}


def test_commands_are_targets_of_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    (command,) = arguments("CMD")
    assert json.loads(command) == ["make", "serve"]
    made = [target for run in arguments("RUN") for target in re.findall(r"\bmake (\S+)", run)]
    assert made == ["runtime", "install"]
    assert {"serve", "worker", "beat", "migrate", *made} <= targets


def test_the_user_is_not_root_and_the_base_is_pinned_by_tag():
    kinds = [instruction for instruction, _ in instructions()]
    assert arguments("USER") == ["hub"]
    assert kinds.index("USER") > max(index for index, kind in enumerate(kinds) if kind in ("RUN", "COPY"))
    (base,) = arguments("FROM")
    assert fnmatch(base, "python:3.[0-9]*-slim*")


def test_nothing_is_downloaded_by_address():
    assert re.findall(r"https?://|^ADD ", (ROOT / "Dockerfile").read_text(), re.MULTILINE) == []
