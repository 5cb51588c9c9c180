"""A persistent connection whose server went away is found out before it is used, without asking the server."""

import os

import psycopg
import pytest
from django.db import connection

pytestmark = [pytest.mark.needs_postgres, pytest.mark.django_db(transaction=True)]


def test_a_connection_cut_by_the_server_is_not_usable():
    connection.ensure_connection()
    assert connection.is_usable()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        other.execute("SELECT pg_sleep(0.1)")
    assert not connection.is_usable()
    connection.close()


def test_a_usable_connection_is_found_so_without_a_statement(monkeypatch):
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "execute", None)
    monkeypatch.setattr(connection.connection, "cursor", None)
    assert connection.is_usable()


def test_the_databases_clock_is_never_ahead_of_the_database():
    from orders.database.clock import DatabaseClock

    for _ in range(200):
        ours = DatabaseClock().now()
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            assert ours <= cursor.fetchone()[0]
