from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0007_self_tests_and_handovers")]

    operations = [
        migrations.AlterModelOptions(
            name="order",
            options={"permissions": (("view_personal_data", "Can view personal data of customers"),)},
        ),
    ]
