"""The hub's environment (docs/reference/environment.md), typed, read once; one message names every wrong variable.

Not pydantic-settings: each variable's own sentence would still have to be written, as would the reading of lists and
the keys that are made at first need, and its own messages would have to be translated back to variables.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import difflib
import ipaddress
import os
import re
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ROLES = ("superuser", "operator", "support", "tenant-admin")
"""Whose members HUB_SECOND_STEP_ROLES may oblige: superusers, and the groups of orders.access.staff."""


class EnvironmentFault(SystemExit):
    """The start is refused: the message names every wrong variable and what it should hold."""

    def __init__(self, faults: list[str]) -> None:
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"Orderhub cannot start. Wrong variables (see docs/reference/environment.md):\n{lines}")
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Env:
    database_url: str
    redis_url: str
    secret_key: str
    encryption_keys: tuple[tuple[str, bytes], ...]
    public_url: str
    allowed_hosts: list[str]
    trusted_proxies: list[Network]
    outbound_allowed_networks: list[Network]
    outbound_allow_http: bool
    event_retry_schedule: list[float]
    delivery_retry_schedule: list[float]
    proxy_timeout_seconds: float
    breaker_failures: int
    breaker_open_seconds: float
    response_limit_bytes: int
    progress_limit_seconds: float
    receive_hold_seconds: float
    web_processes: int
    web_threads: int
    database_connections: int
    worker_processes: int
    outbound_threads: int
    email_url: str
    metrics_token: str
    log_format: str
    fault_injection: bool
    second_step_roles: list[str]

    @property
    def embedded(self) -> bool:
        """True when worker and scheduler live in the web process (no broker)."""
        return not self.redis_url

    @property
    def on_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")


class _Reader:
    """Reads variables one by one and keeps the faults instead of stopping at the first."""

    def __init__(self, source: dict[str, str]) -> None:
        self._source = source
        self.faults: list[str] = []

    def read(self, name: str, default: str, parse: Callable[[str], Any]) -> Any:
        text = self._source.get(name, "").strip() or default
        try:
            return parse(text)
        except ValueError as error:
            self.faults.append(f"{name}: {error}")
            return None


def read_env(source: dict[str, str], *, var_dir: Path = VAR_DIR) -> Env:
    """The environment as values; raises EnvironmentFault naming every wrong or missing variable."""
    reader = _Reader(source)
    read = reader.read
    database_url = read("DATABASE_URL", "sqlite:///var/hub.sqlite3", _database_url)
    made = _Made(var_dir) if database_url is None or database_url.startswith("sqlite:") else None
    public_url = read("HUB_PUBLIC_URL", "http://127.0.0.1:8000", _web_url)
    host = urlsplit(public_url or "").hostname or ""
    env = Env(
        database_url=database_url,
        redis_url=read("REDIS_URL", "", _redis_url),
        secret_key=read("HUB_SECRET_KEY", "", _secret_key(made)),
        encryption_keys=read("HUB_ENCRYPTION_KEYS", "", _encryption_keys(made)),
        public_url=public_url,
        allowed_hosts=read("HUB_ALLOWED_HOSTS", f"{host},127.0.0.1,localhost", _texts),
        trusted_proxies=read("HUB_TRUSTED_PROXIES", "", _networks),
        outbound_allowed_networks=read("HUB_OUTBOUND_ALLOWED_NETWORKS", "", _networks),
        outbound_allow_http=read("HUB_OUTBOUND_ALLOW_HTTP", "false", _boolean),
        event_retry_schedule=read("HUB_EVENT_RETRY_SCHEDULE", "1,5,30,120,600", _schedule),
        delivery_retry_schedule=read("HUB_DELIVERY_RETRY_SCHEDULE", "5,30,120,600,3600,14400,43200", _schedule),
        proxy_timeout_seconds=read("HUB_PROXY_TIMEOUT_SECONDS", "5", _number(low=0.05, high=30)),
        breaker_failures=read("HUB_BREAKER_FAILURES", "10", _whole(low=0, high=10_000)),
        breaker_open_seconds=read("HUB_BREAKER_OPEN_SECONDS", "15", _number(low=0.05, high=300)),
        response_limit_bytes=read("HUB_RESPONSE_LIMIT_BYTES", "5242880", _whole(low=1024, high=2**30)),
        progress_limit_seconds=read("HUB_PROGRESS_LIMIT_SECONDS", "60", _number(low=1, high=86_400)),
        receive_hold_seconds=read("HUB_RECEIVE_HOLD_SECONDS", "25", _number(low=0, high=25)),
        web_processes=read("HUB_WEB_PROCESSES", "2", _whole(low=1, high=256)),
        web_threads=read("HUB_WEB_THREADS", "640", _whole(low=1, high=2_048)),
        database_connections=read("HUB_DATABASE_CONNECTIONS", "16", _whole(low=1, high=512)),
        worker_processes=read("HUB_WORKER_PROCESSES", "2", _whole(low=1, high=256)),
        outbound_threads=read("HUB_OUTBOUND_THREADS", "32", _whole(low=1, high=512)),
        email_url=read("HUB_EMAIL_URL", "", _email_url),
        metrics_token=read("HUB_METRICS_TOKEN", "", str),
        log_format=read("HUB_LOG_FORMAT", "json", _one_of("json", "console")),
        fault_injection=read("HUB_FAULT_INJECTION", "false", _boolean),
        second_step_roles=read("HUB_SECOND_STEP_ROLES", "", _some_of(*ROLES)),
    )
    if reader.faults:
        raise EnvironmentFault(reader.faults)
    return env


OF_COMMANDS = (
    "HUB_BIND", "HUB_STAFF_PASSWORD", "HUB_LOAD_CLIENT_ID", "HUB_LOAD_CLIENT_SECRET", "HUB_UP_PARENT",
    "HUB_FORWARDED",
)  # fmt: skip
"""Variables that commands read by themselves; those of tests begin with ``HUB_TEST_``."""


def misspelt(source: dict[str, str]) -> list[str]:
    """A sentence for each ``HUB_`` variable that nothing reads, with the nearest name that something does."""
    known = {f"HUB_{field.name.upper()}" for field in fields(Env)} | set(OF_COMMANDS)
    found = []
    for name in sorted(
        name for name in source if name.startswith("HUB_") and name not in known and not name.startswith("HUB_TEST_")
    ):
        near = difflib.get_close_matches(name, known, n=1)
        found.append(f"{name} is read by nothing" + (f"; is {near[0]} meant?" if near else "."))
    return found


class _Made:
    """Keys of the embedded default, made in ``var/`` at first need and read from there by every command."""

    def __init__(self, var_dir: Path) -> None:
        self._dir = var_dir

    def text(self, name: str, make: Callable[[], str]) -> str:
        path = self._dir / name
        if not path.exists():
            self._make(path, make())
        return path.read_text().strip()

    def _make(self, path: Path, text: str) -> None:
        """Write atomically; the first process wins where two start at once."""
        self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._dir) as draft:
            draft.write(text)
            draft.flush()
            with contextlib.suppress(FileExistsError):
                os.link(draft.name, path)


def _database_url(text: str) -> str:
    if not re.match(r"(sqlite:///.+|postgres(ql)?://[^/]*/.+)", text):
        raise ValueError("must be postgres://user:password@host:port/name or sqlite:///path")
    return text


def _redis_url(text: str) -> str:
    if text and not re.match(r"(rediss?|unix)://.+", text):
        raise ValueError("must be redis://host:port/number, or empty for the embedded mode")
    return text


def _email_url(text: str) -> str:
    if text and not re.match(r"(smtps?|submission|console|dummy):", text):
        raise ValueError(
            "must be submission://user:password@host:587 or smtps://user:password@host:465, or empty for no mail"
        )
    return text


def _web_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an http or https address without query, such as https://hub.example.com")
    return text.rstrip("/")


def _secret_key(made: _Made | None) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text and made:
            return made.text("secret_key", lambda: secrets.token_urlsafe(64))
        if len(text) < 50:
            fault = "too short" if text else "missing"
            raise ValueError(f"{fault}; must be a random text of at least 50 characters")
        return text

    return parse


def _encryption_keys(made: _Made | None) -> Callable[[str], tuple[tuple[str, bytes], ...]]:
    def parse(text: str) -> tuple[tuple[str, bytes], ...]:
        if not text and made:
            text = made.text("encryption_keys", lambda: "k1:" + base64.b64encode(secrets.token_bytes(32)).decode())
        if not text:
            raise ValueError("missing; must be id:base64 of 32 bytes, several separated by commas")
        keys = tuple(_encryption_key(part.strip(), number) for number, part in enumerate(text.split(","), 1))
        if len({name for name, _ in keys}) != len(keys):
            raise ValueError("two keys have the same id; give each its own")
        return keys

    return parse


def _encryption_key(part: str, number: int) -> tuple[str, bytes]:
    """A faulty key is called by its place: without its colon the name is the key itself."""
    name, colon, encoded = part.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if not colon or not re.fullmatch(r"[A-Za-z0-9_.-]{1,32}", name) or len(key) != 32:
        raise ValueError(f"key number {number} is not id:base64 of 32 bytes")
    return name, key


def _texts(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _networks(text: str) -> list[Network]:
    try:
        return [ipaddress.ip_network(part) for part in _texts(text)]
    except ValueError as error:
        raise ValueError(f"must be CIDRs separated by commas, such as 10.0.0.0/8 ({error})") from None


def _boolean(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError("must be true or false")
    return words[text.lower()]


def _schedule(text: str) -> list[float]:
    try:
        steps = [float(part) for part in text.split(",")]
    except ValueError:
        steps = [-1.0]
    if not all(0 <= step <= 30 * 86_400 for step in steps):
        raise ValueError("must be seconds separated by commas, such as 1,5,30")
    return steps


def _number(*, low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}")
        return value

    return parse


def _whole(*, low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return parse


def _some_of(*words: str) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        if not set(_texts(text)) <= set(words):
            raise ValueError(f"must be some of {', '.join(words)}, separated by commas")
        return _texts(text)

    return parse
