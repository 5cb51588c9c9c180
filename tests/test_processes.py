"""A program that is ended, however it is ended, leaves nothing behind of what it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.processes import ROOT, wait_until
from tests.servers.guard import end

pytestmark = pytest.mark.needs_postgres
WORKER = """
import os, pathlib, sys, time
from tests.processes import HubProcess, end_cleanly_when_asked
end_cleanly_when_asked()
command = [sys.executable, "manage.py", "worker", "--queues", "both"]
with HubProcess(command, environ=dict(os.environ), log=pathlib.Path(sys.argv[1])):
    time.sleep(600)
"""
BENCH = ["-m", "tests.benchmarks", "--only", "put-applied"]
"""A web server, a worker of several processes and a scheduler, beside PostgreSQL and Redis."""
START_SECONDS = 300
"""Servers, migrations and three processes of the hub, on cores that run other tests too."""
END_SECONDS = 60
"""Six times what a process is given to end by itself."""


@pytest.mark.needs_redis
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_program_that_is_ended_leaves_no_worker(how, hub_environ, tmp_path):
    assert left_behind_by(["-c", WORKER, str(tmp_path / "worker.log")], how, hub_environ, tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_bench_that_is_ended_leaves_no_process(how, tmp_path):
    assert left_behind_by(BENCH, how, dict(os.environ), tmp_path) == []


def test_a_process_whose_parent_died_is_ended_with_its_session(tmp_path):
    story = "import subprocess, sys; print(subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL).pid)"
    parent = subprocess.Popen([sys.executable, "-c", story], stdout=subprocess.PIPE, text=True, start_new_session=True)
    leader = psutil.Process(parent.pid)
    orphan = psutil.Process(int(parent.communicate()[0]))
    assert orphan.is_running()
    end(leader, signal.SIGTERM)
    assert not orphan.is_running()


def left_behind_by(arguments, how, environ, folder):
    """Started, ended by the signal as soon as its workers run; what is left of all its processes after a while."""
    log = folder / "program.log"
    with log.open("wb") as output:
        program = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environ | {"TMPDIR": str(folder)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    started: set[psutil.Process] = set()
    try:
        wait_until(lambda: len(workers(program, started)) > 1, seconds=START_SECONDS, why=log.read_text)
        program.send_signal(how)
        program.wait(timeout=END_SECONDS)
        return psutil.wait_procs(started, timeout=END_SECONDS)[1]
    finally:
        program.kill()
        program.wait()
        for process in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def workers(program, started):
    """The Celery processes so far; ``started`` gets every process."""
    family = psutil.Process(program.pid).children(recursive=True)
    started.update(family)
    return [each for each in family if "celery" in command_of(each)]


def command_of(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""
