import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

ROLES = ("operator", "support", "tenant-admin")


def make_roles(apps, schema_editor):
    """The groups, with the core's permissions. ``orders.access.staff.ensure_roles`` adds those of the other apps."""
    alias = schema_editor.connection.alias
    orders = apps.get_app_config("orders")
    orders.models_module = True  # without it create_permissions takes the app for one without models
    create_permissions(orders, apps=apps, verbosity=0, using=alias)
    orders.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.using(alias).filter(content_type__app_label="orders")
    permissions = permissions.exclude(content_type__model="secret")
    groups = apps.get_model("auth", "Group").objects.using(alias)
    seen = list(permissions.filter(codename__startswith="view_"))
    changed = permissions.filter(codename__startswith="change_").exclude(content_type__model__startswith="historical")
    added = permissions.filter(codename__in=["add_tenant", "add_apiclient"])
    for role in ROLES:
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*seen, *([*changed, *added] if role == "operator" else []))


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0001_the_core_rows"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="StaffTenant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="staff", to="orders.tenant"
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="staff_tenant",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name": "tenant of a login", "verbose_name_plural": "tenants of logins"},
        ),
        migrations.RunPython(make_roles, migrations.RunPython.noop),
    ]
