"""Partial, so that it costs the orders of other tenants nothing; built beside the running work on PostgreSQL."""

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
    dependencies = [("orders", "0008_moving_a_tenant_to_events")]

    operations = [
        AddIndexBesideTheWork(
            model_name="order",
            index=models.Index(
                condition=models.Q(("known_before", True)), fields=["tenant", "queue"], name="order_known_before"
            ),
        ),
    ]
