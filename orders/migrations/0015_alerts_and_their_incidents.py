"""Alert rules, what they found, and what is told of it; the hub itself may keep secrets."""

import django.db.models.deletion
import orders.database.ids
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0014_dead_and_set_aside_rows_are_listed_in_order'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='secret',
            name='tenant',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='orders.tenant'),
        ),
        migrations.CreateModel(
            name='AlertRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=30, verbose_name='what is watched')),
                ('threshold', models.FloatField(help_text='From how much on somebody is told; the unit stands with what is watched.')),
                ('emails', models.JSONField(blank=True, default=list, verbose_name='mail addresses')),
                ('webhook_url', models.CharField(blank=True, default='', max_length=2000, verbose_name='webhook')),
                ('active', models.BooleanField(default=True)),
                ('looked_at', models.DateTimeField(editable=False, null=True)),
                ('tenant', models.ForeignKey(blank=True, help_text='Empty: the whole hub, for its own staff. A tenant: its own rows, told to its own addresses.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='alert_rules', to='orders.tenant')),
            ],
            options={
                'ordering': ('tenant', 'kind', 'pk'),
            },
        ),
        migrations.CreateModel(
            name='HistoricalAlertRule',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('kind', models.CharField(max_length=30, verbose_name='what is watched')),
                ('threshold', models.FloatField(help_text='From how much on somebody is told; the unit stands with what is watched.')),
                ('emails', models.JSONField(blank=True, default=list, verbose_name='mail addresses')),
                ('webhook_url', models.CharField(blank=True, default='', max_length=2000, verbose_name='webhook')),
                ('active', models.BooleanField(default=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(blank=True, db_constraint=False, help_text='Empty: the whole hub, for its own staff. A tenant: its own rows, told to its own addresses.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='orders.tenant')),
            ],
            options={
                'verbose_name': 'historical alert rule',
                'verbose_name_plural': 'historical alert rules',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Incident',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=100)),
                ('said', models.TextField()),
                ('page', models.CharField(max_length=500)),
                ('most', models.FloatField()),
                ('began_at', models.DateTimeField()),
                ('quiet_since', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='incidents', to='orders.alertrule')),
                ('tenant', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, to='orders.tenant')),
            ],
            options={
                'ordering': ('-pk',),
            },
        ),
        migrations.CreateModel(
            name='AlertMessage',
            fields=[
                ('id', models.UUIDField(default=orders.database.ids.new_id, primary_key=True, serialize=False)),
                ('occasion', models.CharField(choices=[('opened', 'Opened'), ('recovered', 'Recovered')], max_length=10)),
                ('way', models.CharField(choices=[('mail', 'Mail'), ('webhook', 'Webhook')], max_length=10)),
                ('due_at', models.DateTimeField(null=True)),
                ('tries', models.IntegerField(default=0)),
                ('sent_at', models.DateTimeField(null=True)),
                ('error', models.TextField(blank=True, default='')),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='orders.incident')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.AddConstraint(
            model_name='alertrule',
            constraint=models.CheckConstraint(condition=models.Q(('threshold__gt', 0)), name='alert_rule_threshold_is_above_zero'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['tenant', 'id'], name='incident_by_tenant'),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('rule', 'subject'), name='incident_one_at_a_time_per_subject'),
        ),
        migrations.AddIndex(
            model_name='alertmessage',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='alert_message_due'),
        ),
        migrations.AddConstraint(
            model_name='alertmessage',
            constraint=models.UniqueConstraint(fields=('incident', 'occasion', 'way'), name='alert_message_once_per_occasion_and_way'),
        ),
    ]
