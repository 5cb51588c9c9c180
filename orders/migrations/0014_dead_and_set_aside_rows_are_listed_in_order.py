"""Partial, so that they cost nothing until a row is dead or set aside; built beside the running work on PostgreSQL."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class AddIndexBesideTheWork(AddIndexConcurrently):
    """Concurrently where the database can; SQLite has one writer anyway."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        forwards = AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else migrations.AddIndex
        forwards.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        backwards = AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else migrations.AddIndex
        backwards.database_backwards(self, app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0013_history_of_destinations")]

    operations = [
        AddIndexBesideTheWork(
            model_name="orderevent",
            index=models.Index(
                condition=models.Q(("status", "dead")), fields=["id"], name="order_event_dead_of_all"
            ),
        ),
        AddIndexBesideTheWork(
            model_name="delivery",
            index=models.Index(condition=models.Q(("status", "dead")), fields=["id"], name="delivery_dead_of_all"),
        ),
        AddIndexBesideTheWork(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status__in", ["superseded", "discarded"])),
                fields=["status", "id"],
                name="delivery_set_aside",
            ),
        ),
    ]
