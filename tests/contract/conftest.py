"""Fixtures of the contract's tests: a real server for a module."""

from __future__ import annotations

import contextlib
import os
from urllib.parse import urlsplit

import pytest
from django.apps import apps

from tests.contract.wire import serving


@pytest.fixture(scope="module")
def wire(django_db_setup, django_db_blocker, tmp_path_factory):
    """The hub as `make serve` starts it, in one process."""
    sizes = {"HUB_WEB_PROCESSES": "1", "HUB_WEB_THREADS": "8"}
    with django_db_blocker.unblock(), served(tmp_path_factory.mktemp("wire") / "web.log", sizes) as started:
        yield started


@pytest.fixture(scope="module")
def default_wire(django_db_setup, django_db_blocker, tmp_path_factory):
    """The hub as `make serve` starts it, with the default number of processes and threads."""
    with django_db_blocker.unblock(), served(tmp_path_factory.mktemp("wire") / "web.log", {}) as started:
        yield started


@pytest.fixture(scope="module")
def proxied_wire(django_db_setup, django_db_blocker, tmp_path_factory):
    """The hub behind a proxy on this machine."""
    sizes = {"HUB_WEB_PROCESSES": "1", "HUB_TRUSTED_PROXIES": "127.0.0.1/32"}
    with django_db_blocker.unblock(), served(tmp_path_factory.mktemp("wire") / "web.log", sizes) as started:
        yield started


@contextlib.contextmanager
def served(log, sizes):
    """On this test's database; the tables are emptied when the module is done."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    try:
        with serving(dict(os.environ) | {"DATABASE_URL": url}, log, sizes) as started:
            yield started
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(tables())} CASCADE")


def tables():
    """Of the hub's own apps; some refer to a tenant without a constraint, and are not reached from it."""
    return [
        model._meta.db_table
        for app in ("orders", "proxy", "suppliers", "orderflow")
        for model in apps.get_app_config(app).get_models()
    ]
