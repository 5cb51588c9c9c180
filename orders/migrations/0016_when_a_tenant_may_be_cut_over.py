"""When a tenant may be cut over, and how far its backfill was hour by hour."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0015_alerts_and_their_incidents")]

    operations = [
        migrations.AddField(
            model_name="historicaltenant",
            name="cut_over_rule",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="tenant",
            name="cut_over_rule",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name="LedgerHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts_at", models.DateTimeField()),
                ("counted_at", models.DateTimeField()),
                ("known", models.PositiveIntegerField()),
                ("received", models.PositiveIntegerField()),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ledger_hours",
                        to="orders.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "starts_at"), name="ledger_hour_unique_per_tenant")
                ],
            },
        ),
    ]
