"""An index made beside the running work, for migrations of tables that are big by then (``atomic = False``)."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class AddIndexBesideTheWork(AddIndexConcurrently):
    """Concurrently where the database can; SQLite has one writer anyway."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        _able(schema_editor).database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        _able(schema_editor).database_backwards(self, app_label, schema_editor, from_state, to_state)


def _able(schema_editor: BaseDatabaseSchemaEditor) -> Any:
    return AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else migrations.AddIndex
