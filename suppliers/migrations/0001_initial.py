"""Suppliers, their webhooks, parts of orders and reports."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import orders.database.ids
import orders.models.tenants
import simple_history.models
import suppliers.models
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '__first__'),
        ('orders', '0002_all_other_rows'),
        ('orders', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalSupplier',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('slug', models.CharField(max_length=63, validators=[django.core.validators.RegexValidator('^[a-z0-9][a-z0-9-]{0,62}\\Z', 'Use a-z, 0-9 and hyphens, at most 63, no hyphen first.')], verbose_name='id')),
                ('name', models.CharField(max_length=200)),
                ('position', models.PositiveIntegerField(default=0)),
                ('item_patterns', models.JSONField(blank=True, default=list, validators=[orders.models.tenants.validate_patterns])),
                ('active', models.BooleanField(default=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('api_client', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='orders.tenant')),
            ],
            options={
                'verbose_name': 'historical supplier',
                'verbose_name_plural': 'historical suppliers',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Supplier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.CharField(max_length=63, validators=[django.core.validators.RegexValidator('^[a-z0-9][a-z0-9-]{0,62}\\Z', 'Use a-z, 0-9 and hyphens, at most 63, no hyphen first.')], verbose_name='id')),
                ('name', models.CharField(max_length=200)),
                ('position', models.PositiveIntegerField(default=0)),
                ('item_patterns', models.JSONField(blank=True, default=list, validators=[orders.models.tenants.validate_patterns])),
                ('active', models.BooleanField(default=True)),
                ('notices_numbered', models.BigIntegerField(default=0, editable=False)),
                ('api_client', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='supplier', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='suppliers', to='orders.tenant')),
            ],
            options={
                'ordering': ('tenant', 'position', 'pk'),
                'constraints': [models.UniqueConstraint(fields=('tenant', 'slug'), name='supplier_id_unique_per_tenant')],
            },
        ),
        migrations.CreateModel(
            name='StockLevel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('item_id', models.CharField(max_length=128)),
                ('available', models.CharField(max_length=70)),
                ('expected_date', models.CharField(max_length=64, null=True)),
                ('happened_at', models.DateTimeField()),
                ('received_at', models.DateTimeField(auto_now=True)),
                ('supplier', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stock', to='suppliers.supplier')),
            ],
            options={
                'indexes': [models.Index(fields=['item_id', 'supplier'], name='stock_level_by_item')],
                'constraints': [models.UniqueConstraint(fields=('supplier', 'item_id'), name='stock_level_unique_per_supplier_and_item')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalWebhook',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('url', models.CharField(max_length=2000, verbose_name='URL')),
                ('events', models.JSONField(default=list, validators=[suppliers.models.validate_event_types])),
                ('auth_type', models.CharField(choices=[('none', 'None'), ('basic', 'Basic'), ('oauth2', 'Oauth2')], default='none', max_length=10)),
                ('auth_config', models.JSONField(blank=True, default=dict)),
                ('previous_secret_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('destination', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='orders.destination')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('supplier', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='suppliers.supplier')),
            ],
            options={
                'verbose_name': 'historical webhook',
                'verbose_name_plural': 'historical webhooks',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='SupplierPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('business_unit_id', models.CharField(max_length=128)),
                ('customer_order_id', models.CharField(max_length=128)),
                ('order_token', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('owed_digest', models.CharField(max_length=64)),
                ('owed_cancelled', models.BooleanField(default=False)),
                ('owed_lines', models.BooleanField(default=True)),
                ('owed_sequence', models.BigIntegerField()),
                ('told_at', models.DateTimeField(null=True)),
                ('fetched_at', models.DateTimeField(null=True)),
                ('fetches', models.PositiveIntegerField(default=0)),
                ('unfetched_since', models.DateTimeField(null=True)),
                ('status', models.CharField(blank=True, default='', max_length=64)),
                ('status_comment', models.TextField(null=True)),
                ('status_at', models.DateTimeField(null=True)),
                ('supplier', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='parts', to='suppliers.supplier')),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='orders.tenant')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('unfetched_since__isnull', False)), fields=['tenant', 'unfetched_since'], name='supplier_part_unfetched')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'customer_order_id', 'business_unit_id', 'supplier'), name='supplier_part_unique_per_order'), models.CheckConstraint(condition=models.Q(models.Q(('status', ''), ('status_at__isnull', True)), models.Q(models.Q(('status', ''), _negated=True), ('status_at__isnull', False)), _connector='OR'), name='supplier_part_with_a_status_has_its_time')],
            },
        ),
        migrations.CreateModel(
            name='SupplierEvent',
            fields=[
                ('id', models.UUIDField(default=orders.database.ids.new_id, primary_key=True, serialize=False)),
                ('event_type', models.CharField(max_length=30)),
                ('digest', models.CharField(max_length=64)),
                ('body', models.TextField()),
                ('timestamp', models.CharField(max_length=64)),
                ('happened_at', models.DateTimeField()),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ignored', models.JSONField(default=list)),
                ('correlation_id', models.CharField(blank=True, default='', max_length=128)),
                ('supplier', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='suppliers.supplier')),
                ('part', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='reports', to='suppliers.supplierpart')),
            ],
            options={
                'indexes': [models.Index(fields=['supplier', 'id'], name='supplier_event_by_supplier'), models.Index(condition=models.Q(('correlation_id', ''), _negated=True), fields=['correlation_id'], name='supplier_event_by_correlation')],
                'constraints': [models.UniqueConstraint(fields=('supplier', 'digest'), name='supplier_event_unique_per_value')],
            },
        ),
        migrations.CreateModel(
            name='PartDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tracking_number', models.CharField(blank=True, default='', max_length=128)),
                ('status', models.CharField(max_length=64)),
                ('carrier', models.TextField(null=True)),
                ('tracking_url', models.TextField(null=True)),
                ('expected_date', models.CharField(max_length=64, null=True)),
                ('item_ids', models.JSONField(default=list)),
                ('happened_at', models.DateTimeField()),
                ('part', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='suppliers.supplierpart')),
            ],
            options={
                'verbose_name_plural': 'part deliveries',
                'constraints': [models.UniqueConstraint(fields=('part', 'tracking_number'), name='part_delivery_unique_per_tracking_number')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.BigIntegerField()),
                ('event_type', models.CharField(max_length=30)),
                ('body', models.TextField()),
                ('position', models.BigIntegerField(null=True)),
                ('made_at', models.DateTimeField()),
                ('supplier', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='notices', to='suppliers.supplier')),
                ('part', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='notices', to='suppliers.supplierpart')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('position__isnull', True)), fields=['supplier', 'id'], name='notice_unnumbered')],
                'constraints': [models.UniqueConstraint(fields=('supplier', 'position'), name='notice_position_unique_per_supplier'), models.UniqueConstraint(fields=('part', 'sequence'), name='notice_unique_per_part_and_sequence')],
            },
        ),
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.CharField(max_length=2000, verbose_name='URL')),
                ('events', models.JSONField(default=list, validators=[suppliers.models.validate_event_types])),
                ('auth_type', models.CharField(choices=[('none', 'None'), ('basic', 'Basic'), ('oauth2', 'Oauth2')], default='none', max_length=10)),
                ('auth_config', models.JSONField(blank=True, default=dict)),
                ('previous_secret_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('destination', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='webhook', to='orders.destination')),
                ('supplier', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='webhook', to='suppliers.supplier')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('auth_type__in', ['none', 'basic', 'oauth2'])), name='webhook_auth_type_is_known')],
            },
        ),
        migrations.CreateModel(
            name='OrderCase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('business_unit_id', models.CharField(max_length=128)),
                ('customer_order_id', models.CharField(max_length=128)),
                ('uuid', models.UUIDField(default=uuid.uuid4)),
                ('token', models.UUIDField(default=uuid.uuid4)),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='orders.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['uuid'], name='order_case_by_uuid'), models.Index(fields=['token'], name='order_case_by_token')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'customer_order_id', 'business_unit_id'), name='order_case_unique_per_order')],
            },
        ),
    ]
