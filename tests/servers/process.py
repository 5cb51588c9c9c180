"""One server process: started on a free port, waited for, stopped, killed; and the guard that outlives its starter."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType

import psutil

from tests.servers.account import Account
from tests.servers.guard import PATIENCE_SECONDS
from tests.servers.programs import Program

START_SECONDS = 60  # a first start on two loaded cores took 4 s
STOP_SECONDS = 20
TRIES = 3  # another process may take the free port first


class ServerError(RuntimeError):
    """A test server did not start; the message holds the end of its log."""


def temporary_folder(account: Account) -> Path:
    """A folder that the servers' user can enter and own; TMPDIR may lie where only root can go."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        folder = Path(tempfile.mkdtemp(prefix="orderhub-servers-", dir=place))
        if account.switch:
            os.chown(folder, account.uid, account.gid)
        if account.can_reach(folder):
            return folder
        folder.rmdir()
    raise ServerError("No temporary folder can be entered by the user that the test servers run as.")


def kept_folder(name: str, account: Account) -> Path:
    """A folder that outlives the run, one per checkout, where the servers' user can enter."""
    checkout = hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:12]
    folder = Path("/var/tmp") / f"orderhub-{name}-{checkout}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if account.switch:
        os.chown(folder, account.uid, account.gid)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Guard:
    """Starts guard.py and tells it what to end when this process is gone; leaving the block ends it too."""

    def __init__(self, folder: Path | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("guard.py")), str(folder or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            text=True,
        )

    def __enter__(self) -> Guard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait(timeout=2 * STOP_SECONDS)

    def watch(self, pid: int, how: signal.Signals, *, patience: float = PATIENCE_SECONDS) -> None:
        self._tell(f"watch {pid} {how.value} {patience}")

    def forget(self, pid: int) -> None:
        self._tell(f"forget {pid}")

    def _tell(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


class ServerProcess(ABC):
    """A server with data in `folder`. It keeps its port over stop, kill and start, as a real one would."""

    stop_signal = signal.SIGTERM
    end_signal = signal.SIGTERM

    def __init__(self, program: Program, folder: Path, account: Account, guard: Guard) -> None:
        self.program = program
        self.folder = folder
        self.account = account
        self.port = free_port()
        self._guard = guard
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def log(self) -> Path:
        return self.folder.with_suffix(".log")

    def start(self) -> None:
        """Returns when the server answers. The first start may move to another port, a later one never does."""
        first = not self.folder.exists()
        if first:
            self.prepare()
        for tries_left in reversed(range(TRIES if first else 1)):
            try:
                self._start()
                return
            except ServerError:
                if not tries_left:
                    raise
                self.port = free_port()

    def stop(self) -> None:
        """A clean end: what was written is on disk, connections are closed."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        else:
            self._gone()

    def kill(self) -> None:
        """The machine's plug pulled: SIGKILL to the server and all its children, nothing written."""
        if self._process is None:
            return
        family = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        for child in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(family, timeout=STOP_SECONDS)
        self._gone()

    def restart(self) -> None:
        self.stop()
        self.start()

    def prepare(self) -> None:
        """Makes the data folder, before the first start."""
        self.folder.mkdir(mode=0o700)
        if self.account.switch:
            os.chown(self.folder, self.account.uid, self.account.gid)

    @abstractmethod
    def command(self) -> list[str]:
        """The program with its arguments."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether a client can be served."""

    def run(self, command: list[str]) -> None:
        """A program that prepares something, as the servers' user."""
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=START_SECONDS, check=False, **self._surroundings()
        )
        if done.returncode:
            raise ServerError(
                f"{command[0]} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}"
            )

    def _surroundings(self) -> dict[str, object]:
        variables = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
        if self.program.libraries:
            variables["LD_LIBRARY_PATH"] = str(self.program.libraries)
        return {
            "env": variables,
            "cwd": self.folder.parent,
            "stdin": subprocess.DEVNULL,
            **self.account.popen_arguments(),
        }

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, start_new_session=True, **self._surroundings()
            )
        self._guard.watch(self._process.pid, self.end_signal)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise ServerError(f"{self.program.described()} did not start. The end of its log:\n{self._log_end()}")
            time.sleep(0.05)

    def _gone(self) -> None:
        assert self._process
        self._guard.forget(self._process.pid)
        self._process = None

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
