from django.db import migrations, models

import orders.database.commit_order


class Migration(migrations.Migration):
    dependencies = [("orders", "0019_deliveries_that_replace_unsent_ones")]

    operations = [
        migrations.AddField(
            model_name="orderevent",
            name="transaction",
            field=models.BigIntegerField(db_default=orders.database.commit_order.CurrentTransaction(), editable=False),
        ),
        migrations.AddIndex(
            model_name="orderevent",
            index=models.Index(fields=["tenant", "transaction", "id"], name="order_event_by_commit"),
        ),
    ]
