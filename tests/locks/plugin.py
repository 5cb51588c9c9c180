"""pytest plugin: a test fails when a transaction of the hub locked rows against the order (tests/locks/recorder.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings

    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        from tests.locks.recorder import install

        install()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    from tests.locks.recorder import RECORDER

    yield
    if found := RECORDER.take():
        pytest.fail("Locks against the order of docs/design/locks.md:\n" + "\n".join(found), pytrace=False)
