"""pytest plugin: each worker's own Redis number, the environment for processes that a test starts, and the browser.

`make test` names it in PYTEST_PLUGINS, so that it is imported before the settings are read; tests/conftest.py names it
in `pytest_plugins` for every other way of running pytest (then on SQLite, unless DATABASE_URL says otherwise).
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import pytest

from tests.browser import ARGUMENTS, find_chromium

EXAMPLES = int(os.environ.get("HUB_TEST_EXAMPLES", "50"))
"""Generated examples per test marked fuzz."""

MARKERS = (
    "both: holds on SQLite too; run there by the second pass of make test",
    "needs_postgres: left out where the database is SQLite",
    "needs_redis: left out where no Redis is given",
    "fuzz: tries generated input; make fuzz runs these with many more examples",
    "browser: drives a real Chromium; left out where there is none",
)


def choose_redis_number() -> None:
    """Worker gw0 uses number 1, gw1 number 2, …; a run without workers 0. The settings are read after this."""
    base = os.environ.get("HUB_TEST_REDIS_URL")
    if base:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        os.environ["REDIS_URL"] = f"{base}/{int(worker.removeprefix('gw')) + 1 if worker else 0}"


choose_redis_number()


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    serve_assets_without_collecting_them()
    hash_quickly()


def serve_assets_without_collecting_them() -> None:
    """On PostgreSQL the hub expects `make install` to have collected its assets, and warns, which fails a test."""
    from django.conf import settings

    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True


def hash_quickly() -> None:
    """A hash as in production takes a quarter of a second; tests/orders/test_hashers.py tests those alone."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["tests.hashers.QuickPasswordHasher", "tests.hashers.QuickClientSecretHasher"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    from django.conf import settings

    if item.get_closest_marker("needs_postgres") and settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        pytest.skip("needs PostgreSQL: make test starts one")
    if item.get_closest_marker("needs_redis") and not os.environ.get("REDIS_URL"):
        pytest.skip("needs Redis: make test starts one")
    if item.get_closest_marker("browser") and find_chromium() is None:
        pytest.skip("no Chromium on this machine")


@pytest.fixture
def hub_environ(transactional_db) -> dict[str, str]:
    """The environment in which a process of the hub sees this test's database, Redis and keys."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        url = f"sqlite:///{name}"
    else:
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    return dict(os.environ) | {"DATABASE_URL": url}


@pytest.fixture
def empty_redis():
    """A client of this worker's Redis number, emptied before and after."""
    import redis

    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(scope="module")
def chromium():
    """A running headless Chromium (playwright's Browser), whose loop in this thread Django would take for async."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine")
    with pytest.MonkeyPatch.context() as patched, sync_playwright() as playwright:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A fresh page with its own cookies."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()
