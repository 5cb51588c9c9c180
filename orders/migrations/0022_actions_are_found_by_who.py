"""What somebody did is found by who it was; built beside the running work on PostgreSQL."""

from django.db import migrations, models

from orders.database.indexes import AddIndexBesideTheWork


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0021_deliveries_are_paged_in_commit_order")]

    operations = [
        AddIndexBesideTheWork(
            model_name="operatoraction",
            index=models.Index(fields=["who"], name="action_by_who"),
        ),
    ]
