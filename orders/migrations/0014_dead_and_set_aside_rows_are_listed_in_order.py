"""Partial, so that they cost nothing until a row is dead or set aside; built beside the running work on PostgreSQL."""

from django.db import migrations, models

from orders.database.indexes import AddIndexBesideTheWork


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
