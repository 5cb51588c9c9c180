"""Starts a command of the hub as a process, reads what it prints, and ends it with everything it started."""

from __future__ import annotations

import atexit
import functools
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType, TracebackType

import psutil

from tests.servers.guard import end
from tests.servers.process import Guard, free_port

__all__ = ["HubProcess", "end_cleanly_when_asked", "free_port", "wait_until"]

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


def wait_until(
    happened, *, seconds: float = START_SECONDS, every: float = 0.05, why=lambda: "it did not happen in time"
):
    """The first true answer of `happened()`; fails with `why()` when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = happened()
        if answer:
            return answer
        assert time.monotonic() < deadline, why()
        time.sleep(every)


class HubProcess:
    """`with HubProcess(command, environ=…, log=…) as hub:`; the log holds standard output and error.

    A guard ends it with its whole session when the process that started it is gone before the block was left.
    """

    def __init__(self, command: list[str], *, environ: dict[str, str], log: Path, folder: Path = ROOT) -> None:
        self.command = command
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._leader = psutil.Process(self.process.pid)
        guard().watch(self.process.pid, signal.SIGTERM)

    def __enter__(self) -> HubProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end(self._leader, signal.SIGTERM)
        self.process.wait()
        guard().forget(self.process.pid)

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for_text(self, wanted: str, *, seconds: float = START_SECONDS) -> str:
        """Everything printed so far, once `wanted` is in it."""
        wait_until(lambda: wanted in self.text or self._ended(), seconds=seconds, why=lambda: self._story(wanted))
        assert wanted in self.text, self._story(wanted)
        return self.text

    def wait_for_status(self, url: str, wanted: int = 200, *, seconds: float = START_SECONDS) -> None:
        """Returns when GET `url` answers `wanted`."""
        wait_until(lambda: status_of(url) == wanted or self._ended(), seconds=seconds, why=lambda: self._story(url))
        assert status_of(url) == wanted, self._story(url)

    def stop(self, how: signal.Signals = signal.SIGTERM, *, seconds: float = 30) -> int:
        """Asks once and waits; returns the exit code, and fails when descendants stay."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(how)
        code = self.process.wait(timeout=seconds)
        _, left = psutil.wait_procs(family, timeout=5)
        assert left == [], f"still running after {how.name}: {left}\n{self.text[-3000:]}"
        return code

    def _ended(self) -> bool:
        return self.process.poll() is not None

    def _story(self, wanted: str) -> str:
        state = f"ended with {self.process.returncode}" if self._ended() else "runs"
        return f"{' '.join(self.command)} {state} without {wanted!r}:\n{self.text[-3000:]}"


@functools.cache
def guard() -> Guard:
    """One for all processes of the hub that this process starts."""
    one = Guard()
    atexit.register(one.__exit__, None, None, None)
    return one


def end_cleanly_when_asked() -> None:
    """SIGTERM leaves every block, as Ctrl-C does: what was started inside is ended, however often it is asked for."""

    def leave(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def status_of(url: str) -> int | None:
    """The status that GET answers, without any proxy; None when nothing answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
