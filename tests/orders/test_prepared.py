"""Statements below psycopg's cursors keep Django's laws."""

import os

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from orders.database.prepared import Prepared

pytestmark = [pytest.mark.needs_postgres, pytest.mark.django_db(transaction=True)]
ECHO = Prepared("SELECT $1::text, $2::bigint, $3::uuid")
MAKE = Prepared("INSERT INTO auth_group (name) VALUES ($1) RETURNING name")


def test_values_come_back_as_the_database_writes_them():
    assert ECHO.first_row("ø'\\", 2**62, None) == ("ø'\\", str(2**62), None)
    assert Prepared("SELECT 1 WHERE $1::text IS NULL").first_row("x") is None


def test_a_statement_belongs_to_the_transaction_around_it():
    with transaction.atomic():
        assert MAKE.first_row("acme") == ("acme",)
        transaction.set_rollback(True)
    assert not Group.objects.filter(name="acme").exists()
    MAKE.first_row("acme")
    assert Group.objects.filter(name="acme").exists()


def test_its_errors_are_djangos():
    MAKE.first_row("acme")
    with pytest.raises(IntegrityError, match="acme"):
        MAKE.first_row("acme")
    with pytest.raises(DataError, match="NUL"):
        MAKE.first_row("a\0b")


def test_it_does_not_run_in_a_broken_transaction():
    def break_and_go_on():
        with transaction.atomic():
            transaction.set_rollback(True)
            MAKE.first_row("acme")

    with pytest.raises(transaction.TransactionManagementError):
        break_and_go_on()
    assert MAKE.first_row("acme") == ("acme",)


def test_a_lost_connection_is_an_operational_error_and_the_next_one_prepares_again():
    ECHO.first_row("x", 1, None)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        other.execute("SELECT pg_sleep(0.1)")
    with pytest.raises(OperationalError):
        ECHO.first_row("x", 1, None)
    connection.close()
    assert ECHO.first_row("y", 1, None) == ("y", "1", None)


def test_a_statement_that_the_server_forgot_runs_and_is_prepared_again():
    assert MAKE.first_row("acme") == ("acme",)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert MAKE.first_row("beta") == ("beta",)
    assert MAKE.first_row("gamma") == ("gamma",)
    assert prepared_statements() == 1
    assert made() == {"acme", "beta", "gamma"}


def test_a_statement_that_the_server_forgot_runs_inside_a_transaction_and_leaves_it_whole():
    MAKE.first_row("acme")
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    with transaction.atomic():
        Group.objects.create(name="beta")
        assert MAKE.first_row("gamma") == ("gamma",)
    assert made() == {"acme", "beta", "gamma"}


def test_a_statement_that_another_client_of_a_pooler_prepared_here_is_taken_as_it_is():
    """Two objects of one text stand for two processes on one server connection."""
    one, other = Prepared("SELECT $1::bigint + 1"), Prepared("SELECT $1::bigint + 1")
    assert (one.first_row(1), other.first_row(2)) == (("2",), ("3",))
    assert prepared_statements() == 1


def test_statements_of_different_texts_never_share_a_name():
    """Two processes that prepare in another order would otherwise run each other's statement."""
    one, other = Prepared("SELECT $1::bigint + 1"), Prepared("SELECT $1::bigint + 2")
    assert (other.first_row(1), one.first_row(1)) == (("3",), ("2",))
    assert prepared_statements() == 2


def test_a_statement_whose_result_a_migration_gave_another_type_runs_and_is_prepared_again():
    read = Prepared("SELECT name FROM auth_group WHERE name = $1")
    MAKE.first_row("acme")
    assert read.first_row("acme") == ("acme",)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE auth_group ALTER name TYPE varchar(151)")
        try:
            assert (read.first_row("acme"), prepared_statements()) == (("acme",), 1)
            assert (read.first_row("acme"), prepared_statements()) == (("acme",), 2)
        finally:
            cursor.execute("ALTER TABLE auth_group ALTER name TYPE varchar(150)")


def made():
    return set(Group.objects.filter(name__in=["acme", "beta", "gamma"]).values_list("name", flat=True))


def prepared_statements():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'hub_%%'")
        return cursor.fetchone()[0]
