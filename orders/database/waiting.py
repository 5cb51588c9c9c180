"""What a thread does with its database connection before it waits for something that is not the database."""

from __future__ import annotations

from django.db import connection


def give_back_connection() -> None:
    """Let other threads use it, where threads share connections (config/postgresql/shared.py); the next statement
    takes one again. Nothing inside a transaction, and where each thread keeps its own."""
    if connection.settings_dict.get("CONN_MAX_AGE") == 0 and not connection.in_atomic_block:
        connection.close()
