"""A case is found by the ids that partners quote, an event by its correlation id; built beside the running work on PostgreSQL."""

from django.db import migrations, models

from orders.database.indexes import AddIndexBesideTheWork


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("suppliers", "0001_suppliers")]

    operations = [
        AddIndexBesideTheWork(
            model_name="ordercase",
            index=models.Index(fields=["uuid"], name="order_case_by_uuid"),
        ),
        AddIndexBesideTheWork(
            model_name="ordercase",
            index=models.Index(fields=["token"], name="order_case_by_token"),
        ),
        AddIndexBesideTheWork(
            model_name="supplierevent",
            index=models.Index(
                condition=models.Q(("correlation_id", ""), _negated=True),
                fields=["correlation_id"],
                name="supplier_event_by_correlation",
            ),
        ),
    ]
