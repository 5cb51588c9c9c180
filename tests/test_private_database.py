"""The embedded database's files are read by their owner only."""

import os
import sqlite3
import stat
from contextlib import closing

import pytest
from django.db import connections

from config.sqlite3.base import DatabaseWrapper, _make_private

SETTINGS = {
    "ENGINE": "config.sqlite3", "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL"}, "TIME_ZONE": None,
    "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False,
}  # fmt: skip
PRIVATE = dict.fromkeys(("hub.sqlite3", "hub.sqlite3-shm", "hub.sqlite3-wal"), "-rw-------")


def modes(folder):
    return {path.name: stat.filemode(path.stat().st_mode) for path in sorted(folder.iterdir())}


def opened(path):
    wrapper = DatabaseWrapper({**SETTINGS, "NAME": str(path)}, "private")
    return closing(wrapper.get_new_connection(wrapper.get_connection_params()))


def test_a_new_database_and_the_files_beside_it_are_private(tmp_path):
    with opened(tmp_path / "hub.sqlite3") as database:
        database.execute("CREATE TABLE one (two)")
        assert modes(tmp_path) == PRIVATE


def test_a_database_that_all_could_read_is_made_private(tmp_path):
    path = tmp_path / "hub.sqlite3"
    with closing(sqlite3.connect(path)) as old:
        old.execute("PRAGMA journal_mode=WAL")
        old.execute("CREATE TABLE one (two)")
        for file in tmp_path.iterdir():
            file.chmod(0o644)
        with opened(path) as database:
            database.execute("SELECT two FROM one")
            assert modes(tmp_path) == PRIVATE


def test_a_folder_that_is_not_there_is_reported_by_sqlite(tmp_path):
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        opened(tmp_path / "none" / "hub.sqlite3")


def test_what_is_no_file_keeps_its_mode(tmp_path):
    """`make check` names /dev/null as the database, and may be run by root."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    path.chmod(0o666)
    _make_private(str(path))
    assert modes(tmp_path) == {"pipe": "prw-rw-rw-"}


@pytest.mark.both
def test_the_hub_on_sqlite_uses_it():
    assert connections["default"].vendor == "postgresql" or isinstance(connections["default"], DatabaseWrapper)
