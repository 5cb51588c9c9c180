"""What a tenant's own system is known to have, loads by their key, releases; which orders were known before."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

TELLS_FROM = models.DateTimeField(
    blank=True,
    help_text="They are told only of orders first received from then on. Empty: while migrating nobody is told; "
    "otherwise of every order.",
    null=True,
    verbose_name="tells suppliers and warehouses from",
)
ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
NOW = django.db.models.functions.datetime.Now()


class Migration(migrations.Migration):
    dependencies = [("orders", "0007_personal_data_is_seen_by_permission")]

    operations = [
        migrations.CreateModel(
            name="KnownOrder",
            fields=[
                ("id", ID.clone()),
                ("business_unit_id", models.CharField(max_length=128)),
                ("customer_order_id", models.CharField(max_length=128)),
                (
                    "how",
                    models.CharField(
                        choices=[
                            ("read", "seen in a proxied read"),
                            ("search", "seen in a proxied search"),
                            ("file", "listed in an uploaded file"),
                            ("api", "listed over the API"),
                        ],
                        max_length=10,
                    ),
                ),
                ("first_seen_at", models.DateTimeField(db_default=NOW)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="known_orders",
                        to="orders.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["tenant", "id"], name="known_order_by_tenant")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "business_unit_id", "customer_order_id"), name="known_order_unique_per_order"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LoadRequest",
            fields=[
                ("id", ID.clone()),
                ("key", models.CharField(max_length=255)),
                ("nonce", models.UUIDField()),
                ("body_digest", models.CharField(max_length=64)),
                ("answer", models.BinaryField(default=b"")),
                ("created_at", models.DateTimeField(db_default=NOW)),
                (
                    "client",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="loads",
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="load_request_by_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("client", "key"), name="load_request_unique_per_client_and_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderRelease",
            fields=[
                ("id", ID.clone()),
                ("who", models.CharField(max_length=255)),
                ("reason", models.TextField(blank=True, default="")),
                ("choice", models.JSONField()),
                ("created_at", models.DateTimeField(db_default=NOW)),
                ("done_to", models.BigIntegerField(default=0)),
                ("released", models.PositiveIntegerField(default=0)),
                ("owed", models.JSONField(default=dict)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="order_releases", to="orders.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("finished_at__isnull", True)),
                        fields=["id"],
                        name="order_release_unfinished",
                    )
                ],
            },
        ),
        migrations.AddField(model_name="tenant", name="tells_from", field=TELLS_FROM.clone()),
        migrations.AddField(model_name="historicaltenant", name="tells_from", field=TELLS_FROM.clone()),
        migrations.AddField(
            model_name="order", name="known_before", field=models.BooleanField(db_default=False, default=False)
        ),
    ]
