from django.db import migrations, models

import orders.database.commit_order


class Migration(migrations.Migration):
    dependencies = [("orders", "0020_order_events_are_paged_in_commit_order")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="transaction",
            field=models.BigIntegerField(db_default=orders.database.commit_order.CurrentTransaction(), editable=False),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["destination", "transaction", "id"], name="delivery_by_commit"),
        ),
    ]
