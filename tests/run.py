"""What `make test` runs: the two passes of tests/passes.py, watched so that no process is left behind.

    python -m tests.run [pytest arguments]

The passes run as a child. On Linux every process whose parent died becomes a child of this one, so none can hide:
what is still there at the end is named, ended, and fails the run. When this process is killed, its guard ends the rest.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

import psutil

from tests.servers.process import Guard

PASSES_SECONDS = 60  # the passes end pytest and two servers themselves
GRACE_SECONDS = 5  # for what the last test stopped and has not gone yet
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main(arguments: list[str]) -> int:
    """The exit code of the passes, or 1 when they left a process behind."""
    adopt_orphans()
    with Guard() as guard:
        passes = subprocess.Popen([sys.executable, "-m", "tests.passes", *arguments])
        guard.watch(passes.pid, signal.SIGTERM, patience=PASSES_SECONDS)
        signal.signal(signal.SIGINT, lambda *_: None)  # the terminal sends Ctrl-C to the passes too
        signal.signal(signal.SIGTERM, lambda *_: passes.terminate())
        code = wait_for(passes.pid)
    left = end_left_behind()
    for line in left:
        print(f"Left behind by a test, ended: {line}")
    return code or int(bool(left))


def adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait_for(wanted: int) -> int:
    """The exit code of the child `wanted`; adopted children that end before it are buried on the way."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == wanted:
            return abs(os.waitstatus_to_exitcode(status))


def end_left_behind() -> list[str]:
    """Ends every process that this run started and that is still there; returns their command lines."""
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := living_children()) and time.monotonic() < deadline:
        time.sleep(0.1)
    lines = []
    for process in left:
        with contextlib.suppress(psutil.Error):
            lines.append(f"{process.pid} {' '.join(process.cmdline())[:160]}")
            process.kill()
    return lines


def living_children() -> list[psutil.Process]:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return psutil.Process().children(recursive=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
