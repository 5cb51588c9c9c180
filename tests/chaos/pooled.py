"""The same stage with a real pgbouncer in transaction mode between the hub and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.stack import Stack, stack
from tests.chaos.trial import Verdict
from tests.servers.pooler import MISSING, find_pgbouncer, pgbouncer

SETTINGS = {
    "default_pool_size": "16",
    "min_pool_size": "16",
    "query_wait_timeout": "10",
    "server_login_retry": "1",
}
"""As docs/guides/running.md advises; fewer server connections than the hub has threads, so that they are shared."""


@contextmanager
def pooled_stack(folder: Path) -> Iterator[Stack]:
    """The hub's processes go by way of the pooler; faults and the ledger reach PostgreSQL itself."""
    program = find_pgbouncer()
    if program is None:
        raise SystemExit(f"Skipped: {MISSING}.")
    with stack(folder) as stacked, pgbouncer(program, behind=stacked.servers.postgres.port, **SETTINGS) as pooler:
        url = pooler.in_front_of(stacked.servers.database_url)
        yield replace(stacked, environ=stacked.environ | {"DATABASE_URL": url})


def named(verdict: Verdict) -> Verdict:
    """Under a row of its own in the report."""
    return replace(verdict, name=f"{verdict.name}, pooler", told=f"{verdict.told} All behind pgbouncer.")
