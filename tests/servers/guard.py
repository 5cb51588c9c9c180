"""Ends what a test run started when the run itself can no longer do so.

Started as a program of its own, in its own session, by process.Guard, which holds the other end of its standard input.
It reads `watch PID SIGNAL SECONDS` and `forget PID` lines; when the input ends, for whatever reason (the run stopped,
was killed with -9, or its terminal went away), it ends every process still watched with all its descendants and all
of the session that it began, then removes the folder named on its command line.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys

import psutil

PATIENCE_SECONDS = 10  # PostgreSQL ends within a second of SIGQUIT; a loaded machine gets ten


def end(process: psutil.Process, signal: int, *, patience: float = PATIENCE_SECONDS) -> None:
    """Asks with `signal`, then kills what is left of the process, its descendants and the session that it began."""
    family = [process]
    with contextlib.suppress(psutil.Error):
        family += process.children(recursive=True)
    orphans = [one for one in session_begun_by(process) if one not in family]
    for one in (process, *orphans):
        with contextlib.suppress(psutil.Error):
            one.send_signal(signal)
    _, left = psutil.wait_procs([*family, *orphans], timeout=patience)
    for process_left in left:
        with contextlib.suppress(psutil.Error):
            process_left.kill()
    psutil.wait_procs(left, timeout=PATIENCE_SECONDS)


def session_begun_by(leader: psutil.Process) -> list[psutil.Process]:
    """Also when it is gone: a child whose parent died is nobody's descendant, and stays in its session.

    While one of a session is left, its number is given to no other process.
    """
    if psutil.pid_exists(leader.pid) and not leader.is_running():
        return []  # the session is gone, its number was given away
    return [one for one in psutil.process_iter() if session_of(one.pid) == leader.pid]


def session_of(pid: int) -> int:
    with contextlib.suppress(OSError):
        return os.getsid(pid)
    return 0


def main(folder: str) -> None:
    watched: dict[int, tuple[psutil.Process, int, float]] = {}
    for line in sys.stdin:
        word, pid, *manner = line.split()
        watched.pop(int(pid), None)
        if word == "watch":
            with contextlib.suppress(psutil.NoSuchProcess):
                watched[int(pid)] = (psutil.Process(int(pid)), int(manner[0]), float(manner[1]))
    for process, how, patience in reversed(watched.values()):
        end(process, how, patience=patience)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
