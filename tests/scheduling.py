"""pytest plugin: which worker runs what, and in which order.

Tests of a place in TOGETHER go to one worker, one after another: they share servers or a browser that take seconds to
start, or would disturb each other. (The mark xdist_group does nothing with pytest 9.2 and pytest-xdist 3.8.) What
starts processes comes first, so that no worker is alone with it at the end.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

FOLDER, FILES = "folder", "files"
TOGETHER = {
    "tests/chaos/": FOLDER,
    "tests/test_up.py": FILES,
    "tests/deploy/test_compose.py": FILES,
    "tests/contract/test_smuggling.py": FILES,
    "tests/contract/test_hostile_addresses.py": FILES,
    "tests/contract/test_log_flood.py": FILES,
    "tests/contract/test_half_sent.py": FILES,
    "tests/contract/test_reverse_proxy.py": FILES,
    "tests/suppliers/test_pgbouncer.py": FILES,
    "tests/pages/": FILES,
}
"""Where a test's id begins -> whether the whole folder is one piece of work, or each of its files."""
FIRST = ("tests/chaos/", "tests/test_up.py", "tests/deploy/", "tests/test_flow.py", "tests/pages/")


def piece_of(test_id: str) -> str:
    """The piece of work that a test belongs to: its own id for those that any worker may run at any time."""
    for start, whole in TOGETHER.items():
        if test_id.startswith(start):
            return start if whole == FOLDER else test_id.partition("::")[0]
    return test_id


class Pieces(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return piece_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False
    return Pieces(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))
