"""Structured logs: one JSON object a line (or a readable console line), each with the correlation id in force."""

from __future__ import annotations

import logging
import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

from orders.api.correlation import with_correlation_id

_ROW = re.compile(r"DETAIL:.*?(?=\n\n|\Z)", re.DOTALL)
"""PostgreSQL repeats the contents of the row that it refuses, an order's document among them."""


def without_rows(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Logs carry no personal values: what a database error quotes is left out."""
    for name in ("exception", "error", "event"):
        if isinstance(entry.get(name), str):
            entry[name] = _ROW.sub("DETAIL: left out", entry[name])
    return entry


SHARED: list[Processor] = [
    with_correlation_id,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    without_rows,
]


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
    renderer: Processor = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        "foreign_pre_chain": SHARED,
    }
    quiet = {"handlers": ["stderr"], "level": "WARNING", "propagate": False}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"structured": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["stderr"], "level": "INFO" if log_format == "json" else "WARNING"},
            "loggers": {
                "celery": quiet,
                "kombu": quiet,
                "amqp": quiet,
                "django.request": quiet | {"level": "ERROR"},
                "oauth2_provider": quiet | {"level": "ERROR"},
                "oauthlib": quiet | {"level": "ERROR"},
                "urllib3": quiet | {"level": "ERROR"},
            },
        }
    )
