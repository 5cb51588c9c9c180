"""Structured logs: one JSON object a line (or a readable console line), each with the correlation id in force.

What strangers send may stand in a line: a value is cut at LONGEST, a line break in it breaks no line, and of one kind
of line a process writes at most MOST_LINES in WINDOW_SECONDS, so that refused requests do not fill a disk.
"""

from __future__ import annotations

import logging
import logging.config
import re
import threading
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

from orders.http.correlation import with_correlation_id

LONGEST = 2_000
"""Characters of one value: an error of a partner with its address and reason has some hundred."""
LONGEST_EXCEPTION = 20_000
"""Characters of a traceback; the deepest of the tests has some 10,000."""
MOST_LINES = 120
WINDOW_SECONDS = 60.0
"""Two lines a second of one kind: more than a person reads, and with one longest value each 350 MB a day."""
KINDS_MOST = 1_000
"""Kinds of lines that are counted at a time; a kind is a place in the code, so there are far fewer."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ROW = re.compile(r"DETAIL:.*?(?=\n\n|\Z)", re.DOTALL)
"""PostgreSQL repeats the contents of the row that it refuses, an order's document among them."""


def without_rows(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Logs carry no personal values: what a database error quotes is left out."""
    for name in ("exception", "error", "event"):
        if isinstance(entry.get(name), str):
            entry[name] = _ROW.sub("DETAIL: left out", entry[name])
    return entry


def cut_long_values(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in entry.items():
        if name.startswith("_") or value is None or isinstance(value, int | float):
            continue
        longest = LONGEST_EXCEPTION if name == "exception" else LONGEST
        text = value if isinstance(value, str) else repr(value)
        if len(text) > longest:
            entry[name] = f"{text[:longest]}… ({len(text):,} characters)"
    return entry


def without_control_characters(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For the console, where a line break would begin a line that the hub never wrote. JSON escapes them itself."""
    for name, value in entry.items():
        if isinstance(value, str):
            lines = value.split("\n") if name == "exception" else [value]
            entry[name] = "\n".join(_CONTROL.sub(_escaped, line) for line in lines)
    return entry


def _escaped(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]


class BoundedLines(logging.Filter):
    """Lets MOST_LINES of one kind pass in WINDOW_SECONDS; the first of the next window says how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._kinds: dict[Any, list[float]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        with self._lock:
            left_out = self._count(_kind(record), time.monotonic())
        if left_out is None:
            return False
        if left_out and isinstance(record.msg, dict):
            record.msg = {**record.msg, "left_out": left_out}
        elif left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more like this were left out)", None
        return True

    def _count(self, kind: Any, now: float) -> int | None:
        """How many were left out before this line; None where this one is."""
        if len(self._kinds) >= KINDS_MOST and kind not in self._kinds:
            self._kinds.clear()
        began, lines = self._kinds.get(kind, (now, 0))
        if now - began >= WINDOW_SECONDS:
            self._kinds[kind] = [now, 1]
            return max(0, int(lines) - MOST_LINES)
        self._kinds[kind] = [began, lines + 1]
        return None if lines >= MOST_LINES else 0


def _kind(record: logging.LogRecord) -> Any:
    """By the words of our own lines, which are constants; by the place in the code of all others'."""
    if isinstance(record.msg, dict):
        return record.name, record.levelno, str(record.msg.get("event"))[:LONGEST]
    return record.name, record.levelno, record.pathname, record.lineno


SHARED: list[Processor] = [
    with_correlation_id,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    without_rows,
    cut_long_values,
]


_QUIET = {"handlers": ["stderr"], "level": "WARNING", "propagate": False}
_ERRORS_ONLY = _QUIET | {"level": "ERROR"}
LIBRARIES = {
    "celery": _QUIET,
    "kombu": _QUIET,
    "amqp": _QUIET,
    "gunicorn.error": _QUIET,
    "django.request": _ERRORS_ONLY,
    "oauth2_provider": _ERRORS_ONLY,
    "oauthlib": _ERRORS_ONLY,
    "urllib3": _ERRORS_ONLY,
}
"""What libraries may log: the hub writes a line of its own for each request and call."""


def logging_settings(log_format: str) -> None:
    """Configure structlog and the standard library to print alike. ``log_format``: json | console.

    The console is for a person who tries the hub: warnings and errors only.
    """
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    rendering: list[Processor] = (
        [structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [without_control_characters, structlog.dev.ConsoleRenderer(colors=False)]
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        "foreign_pre_chain": SHARED,
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"structured": formatter},
            "filters": {"bounded": {"()": BoundedLines}},
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "structured", "filters": ["bounded"]}
            },
            "root": {"handlers": ["stderr"], "level": "INFO" if log_format == "json" else "WARNING"},
            "loggers": LIBRARIES,
        }
    )
