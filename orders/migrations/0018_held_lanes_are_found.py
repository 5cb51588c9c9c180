"""Lanes that a dead delivery holds, among millions that nothing holds; built beside the running work on PostgreSQL."""

from django.db import migrations, models

from orders.database.indexes import AddIndexBesideTheWork


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0017_stored_copies_are_compared")]

    operations = [
        AddIndexBesideTheWork(
            model_name="lane",
            index=models.Index(condition=models.Q(("held_by__isnull", False)), fields=["id"], name="lane_held"),
        ),
    ]
