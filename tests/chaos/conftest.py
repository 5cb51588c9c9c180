"""One PostgreSQL and one Redis for all tests of this folder, which run one after another."""

from __future__ import annotations

import pytest

from tests.benchmarks.stack import stack
from tests.chaos.ledger import Ledger


@pytest.fixture(scope="package")
def stage_servers(tmp_path_factory):
    """A Stack with the ledger's triggers, and the ledger."""
    with stack(tmp_path_factory.mktemp("chaos")) as stacked:
        ledger = Ledger(stacked.servers.database_url)
        ledger.install()
        yield stacked, ledger
