from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orderflow", "0003_history_of_products"),
    ]

    operations = [
        migrations.AddField(
            model_name="warehouseorder",
            name="cancel_sent_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="warehouseorder",
            name="import_sent_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="warehouseorder",
            name="imports_unanswered",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
