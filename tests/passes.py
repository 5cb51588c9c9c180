"""The two passes of `make test`: the whole suite on PostgreSQL and Redis, then the tests marked `both` on SQLite.

Each pytest worker has its own database, a copy of one migrated template (tests/template_database.py), and its own
Redis number (tests/fixtures_servers.py).
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from tests.browser import describe_chromium
from tests.servers import servers
from tests.servers.guard import end
from tests.servers.pooler import describe_pgbouncer

ROOT = Path(__file__).resolve().parent.parent
PASS_SECONDS = int(os.environ.get("HUB_TEST_SECONDS", "1500"))  # make test as a whole has 30 minutes in CI
TIDY_SECONDS = 20
WORKERS_PER_CORE = 2  # the tests with processes and browsers, which come first, mostly wait
INTERRUPTED = 2  # pytest's exit code
NO_TESTS = 5  # pytest's exit code


def main(arguments: list[str]) -> int:
    """0 only when every pass ran tests and all of them passed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options, rest = options_of(arguments)
    print(describe_chromium(), flush=True)
    codes = {"PostgreSQL and Redis": on_servers(options.marks, rest)}
    if INTERRUPTED not in codes.values():
        codes["SQLite"] = on_sqlite(options.marks, rest)
    return verdict(codes, chosen=bool(arguments))


def options_of(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """pytest's -m, which the SQLite pass must narrow, and everything else. Long tests are run when asked for."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", dest="marks", default="not long")
    return parser.parse_known_args(arguments)


def on_servers(marks: str, rest: list[str]) -> int:
    with servers() as started:
        for line in started.versions:
            print(line, flush=True)
        print(describe_pgbouncer(), flush=True)
        environ = {"DATABASE_URL": started.database_url, "HUB_TEST_REDIS_URL": started.redis.base_url}
        return run_pytest(environ, marks, rest)


def on_sqlite(marks: str, rest: list[str]) -> int:
    """Redis is not there either: the embedded default, in a file, as users have it."""
    print(f"SQLite {sqlite3.sqlite_version}, without Redis: the tests marked both", flush=True)
    with tempfile.TemporaryDirectory(prefix="orderhub-sqlite-") as folder:
        database = f"{folder}/hub.sqlite3"
        environ = {"DATABASE_URL": f"sqlite:///{database}", "HUB_TEST_DATABASE": database}
        return run_pytest(environ, f"both and ({marks})" if marks else "both", rest or files_marked_both())


def files_marked_both() -> list[str]:
    """Only these are imported: the others take each worker seconds and hold no test of the second pass."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(file.relative_to(ROOT)) for file in files if "pytest.mark.both" in file.read_text()]


def run_pytest(environ: dict[str, str], marks: str, rest: list[str]) -> int:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        str(WORKERS_PER_CORE * cores()),
        "--dist",
        "loadgroup",
        "-m",
        marks,
        *rest,
    ]
    with (
        tempfile.TemporaryDirectory(prefix="orderhub-template-") as folder,
        subprocess.Popen(command, cwd=ROOT, env=clean_environ() | environ | {"HUB_TEST_TEMPLATE": folder}) as pytest,
    ):
        try:
            return pytest.wait(timeout=PASS_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"The tests took longer than {PASS_SECONDS // 60} minutes and were ended.", flush=True)
            return 1
        except KeyboardInterrupt:
            with contextlib.suppress(subprocess.TimeoutExpired):
                pytest.wait(timeout=TIDY_SECONDS)  # the terminal sent it Ctrl-C too
            return INTERRUPTED
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                end(psutil.Process(pytest.pid), signal.SIGINT)


def clean_environ() -> dict[str, str]:
    """The caller's environment without its hub settings, and with keys made for this run.

    Python writes bytecode whatever the caller's habit is: each worker, and every process of the hub that a test
    starts, would otherwise compile the same 800 modules again, which took each worker 7 s of processor time.
    """
    ours = ("HUB_", "DATABASE_URL", "REDIS_URL", "PORT", "CHECK", "VENV", "MAKE", "PYTHONDONTWRITEBYTECODE")
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(ours) or name.startswith("HUB_TEST_")
    }
    return kept | {
        "HUB_SECRET_KEY": secrets.token_urlsafe(64),
        "HUB_ENCRYPTION_KEYS": "test:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "PYTEST_PLUGINS": "tests.fixtures_servers",
    }


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def verdict(codes: dict[str, int], *, chosen: bool) -> int:
    """Chosen tests need not be in both passes, but must be in one."""
    passes = {name: code for name, code in codes.items() if not (chosen and code == NO_TESTS)}
    failed = [name for name, code in passes.items() if code]
    if not passes:
        print("No test was chosen by these arguments.")
    elif failed:
        print(f"FAILED on {' and on '.join(failed)}.")
    else:
        print(f"Passed on {' and on '.join(passes)}.")
    return int(bool(failed or not passes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
