"""Partial, so that it costs the orders of other tenants nothing; built beside the running work on PostgreSQL."""

from django.db import migrations, models

from orders.database.indexes import AddIndexBesideTheWork


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
