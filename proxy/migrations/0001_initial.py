"""Credentials of external services, and where answers left the contract."""

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '__first__'),
        ('orders', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalProxyConfig',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('type', models.CharField(choices=[('basic', 'Basic'), ('oauth2', 'OAuth2')], max_length=10)),
                ('public', models.JSONField(default=dict, verbose_name='settings')),
                ('set_by', models.CharField(choices=[('ops', 'ops staff'), ('tenant', 'Tenant')], max_length=10)),
                ('changed_at', models.DateTimeField(blank=True, editable=False)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='orders.tenant')),
            ],
            options={
                'verbose_name': 'historical proxy configuration',
                'verbose_name_plural': 'historical proxy configurations',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='ContractDrift',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pointer', models.CharField(max_length=300)),
                ('expected', models.CharField(max_length=300)),
                ('found', models.CharField(max_length=100)),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('count', models.BigIntegerField(default=0)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contract_drift', to='orders.tenant')),
            ],
            options={
                'verbose_name': 'contract drift',
                'verbose_name_plural': 'contract drift',
                'ordering': ('pointer', 'expected', 'found'),
                'constraints': [models.UniqueConstraint(fields=('tenant', 'pointer', 'expected', 'found'), name='contract_drift_is_counted_in_one_row')],
            },
        ),
        migrations.CreateModel(
            name='ProxyConfig',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('type', models.CharField(choices=[('basic', 'Basic'), ('oauth2', 'OAuth2')], max_length=10)),
                ('public', models.JSONField(default=dict, verbose_name='settings')),
                ('set_by', models.CharField(choices=[('ops', 'ops staff'), ('tenant', 'Tenant')], max_length=10)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='proxy_config', to='orders.tenant')),
            ],
            options={
                'verbose_name': 'proxy configuration',
                'constraints': [models.CheckConstraint(condition=models.Q(('type__in', ['basic', 'oauth2'])), name='proxy_config_type_is_known'), models.CheckConstraint(condition=models.Q(('set_by__in', ['ops', 'tenant'])), name='proxy_config_was_set_by_ops_or_tenant')],
            },
        ),
    ]
