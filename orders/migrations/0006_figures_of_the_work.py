import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("orders", "0005_staff_sign_ins")]

    operations = [
        migrations.CreateModel(
            name="Figure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "step",
                    models.SmallIntegerField(choices=[(60, "Minute"), (900, "Quarter"), (3600, "Hour")]),
                ),
                ("starts_at", models.DateTimeField()),
                ("destination", models.BigIntegerField(default=0)),
                (
                    "name",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("applied", "Applied"),
                            ("dead event", "Dead Event"),
                            ("delivered", "Delivered"),
                            ("failed try", "Failed Try"),
                            ("dead delivery", "Dead Delivery"),
                            ("sending ms", "Sending Ms"),
                            ("read", "Read"),
                            ("read failed", "Read Failed"),
                            ("read ms", "Read Ms"),
                        ],
                        max_length=20,
                    ),
                ),
                ("label", models.CharField(blank=True, default="", max_length=40)),
                ("count", models.BigIntegerField()),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="orders.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["step", "starts_at", "tenant", "destination", "name", "label"],
                        name="figure_is_counted_in_one_row",
                    )
                ],
            },
        ),
    ]
