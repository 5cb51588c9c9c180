from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0018_held_lanes_are_found")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="replaces_unsent",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
