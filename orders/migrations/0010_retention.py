import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

HELP = 'At least 7. Finished events, deliveries, tries and timeline entries older than this are removed each day. Orders themselves, dead letters and whatever is still owed stay.'


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('orders', '0009_orders_known_before_are_found'),
    ]

    operations = [
        migrations.CreateModel(
            name='Retention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('days', models.PositiveIntegerField(help_text=HELP, validators=[django.core.validators.MinValueValidator(7)], verbose_name='days of history kept')),
                ('cursor', models.JSONField(blank=True, default=dict, editable=False)),
                ('finished_at', models.DateTimeField(editable=False, null=True, verbose_name='last run finished')),
                ('removed', models.BigIntegerField(default=0, editable=False, verbose_name='rows removed so far')),
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='retention', to='orders.tenant')),
            ],
            options={
                'verbose_name': 'retention of history',
                'verbose_name_plural': 'retention of history',
                'constraints': [models.CheckConstraint(condition=models.Q(('days__gte', 7)), name='retention_is_a_week_or_more')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalRetention',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('days', models.PositiveIntegerField(help_text=HELP, validators=[django.core.validators.MinValueValidator(7)], verbose_name='days of history kept')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='orders.tenant')),
            ],
            options={
                'verbose_name': 'historical retention of history',
                'verbose_name_plural': 'historical retention of history',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
    ]
