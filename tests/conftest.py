import gc

import pytest

pytest_plugins = [
    "tests.fixtures_servers",
    "tests.template_database",
    "tests.emptying",
    "tests.scheduling",
    "tests.engine_fixtures",
    "tests.api_fixtures",
    "tests.admin_fixtures",
    "tests.migration_fixtures",
    "tests.locks.plugin",
]


def pytest_configure():
    """Tests are made from what is registered there."""
    from django.contrib import admin

    admin.autodiscover()


def pytest_collection_finish(session):
    """What collecting made stays until the end: no garbage collection during a test has to walk through it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_memory_between_tests():
    """What a process remembers (tokens, cached sources) must not leak from one test's database into the next."""
    from django.core.cache import cache

    from orders.access.bearer_tokens import forget_tokens
    from orders.api.token import FAILURES

    yield
    forget_tokens()
    FAILURES._own.clear()
    cache.clear()
