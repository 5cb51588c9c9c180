"""A deploy may pause between migrating and restarting: old code must run on the new schema (docs/guides/running.md)."""

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

OURS = ("orders", "proxy", "suppliers", "orderflow")
BREAKING = (
    migrations.RemoveField,
    migrations.DeleteModel,
    migrations.RenameField,
    migrations.RenameModel,
    migrations.AlterModelTable,
    migrations.AlterUniqueTogether,
    migrations.RunSQL,
)
"""What old code may still use, or what nobody can judge."""


def faults(migration):
    """What of it could break the version before; tables that it makes itself are nobody's yet."""
    made = set()
    for operation in migration.operations:
        if isinstance(operation, migrations.CreateModel):
            made.add(operation.name_lower)
        elif isinstance(operation, BREAKING):
            yield f"{type(operation).__name__} {operation.describe()}"
        elif isinstance(operation, migrations.AddField) and operation.model_name_lower not in made:
            if not takes_rows_without_it(operation.field):
                yield f"{operation.describe()}: old code inserts without it; give it null=True or a db_default"
        elif isinstance(operation, migrations.AddConstraint) and operation.model_name_lower not in made:
            yield f"{operation.describe()}: old rows and old code may break it; add it in the version after"


def takes_rows_without_it(field):
    return field.null or field.many_to_many or field.has_db_default()


def every_migration():
    loader = MigrationLoader(None)
    return [loader.disk_migrations[key] for key in sorted(loader.disk_migrations) if key[0] in OURS]


@pytest.mark.parametrize("migration", every_migration(), ids=str)
def test_old_code_runs_on_the_schema_that_a_migration_makes(migration):
    assert list(faults(migration)) == []


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RemoveField("order", "status"),
        migrations.AddField("order", "weight", models.IntegerField(default=0)),
        migrations.RenameField("order", "status", "state"),
        migrations.AddConstraint("order", models.CheckConstraint(name="x", condition=models.Q(pk__gt=0))),
        migrations.DeleteModel("Order"),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_the_rule_refuses_what_old_code_would_break_on(operation):
    migration = migrations.Migration("0099_wrong", "orders")
    migration.operations = [operation]
    assert len(list(faults(migration))) == 1


def test_the_rule_lets_pass_what_old_code_does_not_notice():
    migration = migrations.Migration("0099_right", "orders")
    migration.operations = [
        migrations.CreateModel("Parcel", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("parcel", "weight", models.IntegerField()),
        migrations.AddField("order", "weight", models.IntegerField(null=True)),
        migrations.AddField("order", "height", models.IntegerField(db_default=0)),
    ]
    assert list(faults(migration)) == []
