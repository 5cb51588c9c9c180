"""What is pending, among millions that are finished; built beside the running work on PostgreSQL."""

from django.db import migrations, models

from orders.database.indexes import AddIndexBesideTheWork


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0022_actions_are_found_by_who")]

    operations = [
        AddIndexBesideTheWork(
            model_name=model,
            index=models.Index(condition=models.Q(("status", "pending")), fields=["id"], name=name),
        )
        for model, name in (("delivery", "delivery_pending"), ("orderevent", "order_event_pending"))
    ]
