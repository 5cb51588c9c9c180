"""How .ci/run ends, with a ``make`` that only records its targets: exit status, and what it leaves behind."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "run"
TARGETS = {"development", "test", "check"}


@pytest.fixture
def run_ci(tmp_path):
    """Call with the target that fails, or "": returns (the finished process, targets that ran, files left)."""
    checkout, programs, temporary = (tmp_path / name for name in ("checkout", "programs", "temporary"))
    for folder in (checkout / ".ci", programs, temporary):
        folder.mkdir(parents=True)
    shutil.copy(SCRIPT, checkout / ".ci" / "run")
    for name in ("chromium", "pgbouncer", "make"):
        (programs / name).write_text('#!/bin/sh\necho "$1" >> ran\n[ "$1" != "$FAILS" ]\n')
        (programs / name).chmod(0o755)

    def call(fails=""):
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(temporary), "FAILS": fails}
        done = subprocess.run(
            ["bash", str(checkout / ".ci" / "run")],
            check=False,
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done, set((checkout / "ran").read_text().split()), list(temporary.iterdir())

    return call


def test_it_succeeds_when_everything_does_and_leaves_no_file(run_ci):
    done, ran, left = run_ci()
    assert (done.returncode, ran, left) == (0, TARGETS, []), done.stdout + done.stderr
    assert "CI passed." in done.stdout


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_it_fails_when_one_step_does_and_runs_the_others_all_the_same(run_ci, target):
    done, ran, left = run_ci(fails=target)
    assert (done.returncode, ran, left) == (1, TARGETS, [])
    assert f"CI FAILED: make {target}" in done.stdout
