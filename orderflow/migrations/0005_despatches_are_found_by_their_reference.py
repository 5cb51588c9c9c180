"""A despatch is found by its own reference; built beside the running work on PostgreSQL."""

from django.db import migrations, models

from orders.database.indexes import AddIndexBesideTheWork


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orderflow", "0004_calls_without_an_answer")]

    operations = [
        AddIndexBesideTheWork(
            model_name="despatch",
            index=models.Index(condition=models.Q(("despatch_reference", ""), _negated=True), fields=["channel", "despatch_reference"], name="despatch_by_its_reference"),
        ),
    ]
