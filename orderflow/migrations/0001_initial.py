"""OrderFlow channels, their products, and what each warehouse holds."""

import django.core.validators
import django.db.models.deletion
import orderflow.models
import orders.models.tenants
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '__first__'),
        ('orders', '0002_all_other_rows'),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalOrderFlowChannel',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('base_url', models.CharField(max_length=2000, verbose_name='base URL')),
                ('channel', models.CharField(max_length=120)),
                ('organisation', models.CharField(blank=True, default='', max_length=120)),
                ('auth_type', models.CharField(choices=[('headers', 'headers user and password'), ('basic', 'Basic')], default='headers', max_length=10)),
                ('username', models.CharField(max_length=200)),
                ('reference', models.CharField(default='{customerOrderId}', max_length=200, validators=[orderflow.models.validate_reference])),
                ('business_units', models.JSONField(blank=True, help_text='Empty: all business units.', null=True)),
                ('item_patterns', models.JSONField(blank=True, default=list, validators=[orders.models.tenants.validate_patterns])),
                ('order_path', models.CharField(default='/remoteorder/imports/importitems.xml', max_length=500)),
                ('product_path', models.CharField(default='/remoteorder/imports/importitems.xml', max_length=500)),
                ('product_header', models.CharField(choices=[('channel', 'Channel'), ('organisation', 'Organisation')], default='channel', max_length=12)),
                ('product_scope', models.CharField(choices=[('channel', 'Channel'), ('organisation', 'Organisation'), ('global', 'Global')], default='channel', max_length=12)),
                ('require_delivery_address', models.BooleanField(default=False)),
                ('batch_size', models.PositiveIntegerField(default=100, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)])),
                ('time_zone', models.CharField(default='Europe/London', max_length=64, validators=[orders.models.tenants.validate_time_zone])),
                ('currency_units', models.CharField(default='pounds', max_length=40)),
                ('import_missing_products', models.BooleanField(default=True)),
                ('on_update', models.CharField(choices=[('reimport', 'Reimport'), ('ignore', 'Ignore')], default='reimport', max_length=10)),
                ('on_cancel', models.CharField(choices=[('cancel', 'Cancel'), ('ignore', 'Ignore')], default='cancel', max_length=10)),
                ('poll_despatches_seconds', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('properties', models.JSONField(blank=True, default=dict, help_text='Fixed extra order properties.')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('destination', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='orders.destination')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical OrderFlow channel',
                'verbose_name_plural': 'historical OrderFlow channels',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='OrderFlowChannel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('base_url', models.CharField(max_length=2000, verbose_name='base URL')),
                ('channel', models.CharField(max_length=120)),
                ('organisation', models.CharField(blank=True, default='', max_length=120)),
                ('auth_type', models.CharField(choices=[('headers', 'headers user and password'), ('basic', 'Basic')], default='headers', max_length=10)),
                ('username', models.CharField(max_length=200)),
                ('reference', models.CharField(default='{customerOrderId}', max_length=200, validators=[orderflow.models.validate_reference])),
                ('business_units', models.JSONField(blank=True, help_text='Empty: all business units.', null=True)),
                ('item_patterns', models.JSONField(blank=True, default=list, validators=[orders.models.tenants.validate_patterns])),
                ('order_path', models.CharField(default='/remoteorder/imports/importitems.xml', max_length=500)),
                ('product_path', models.CharField(default='/remoteorder/imports/importitems.xml', max_length=500)),
                ('product_header', models.CharField(choices=[('channel', 'Channel'), ('organisation', 'Organisation')], default='channel', max_length=12)),
                ('product_scope', models.CharField(choices=[('channel', 'Channel'), ('organisation', 'Organisation'), ('global', 'Global')], default='channel', max_length=12)),
                ('require_delivery_address', models.BooleanField(default=False)),
                ('batch_size', models.PositiveIntegerField(default=100, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)])),
                ('time_zone', models.CharField(default='Europe/London', max_length=64, validators=[orders.models.tenants.validate_time_zone])),
                ('currency_units', models.CharField(default='pounds', max_length=40)),
                ('import_missing_products', models.BooleanField(default=True)),
                ('on_update', models.CharField(choices=[('reimport', 'Reimport'), ('ignore', 'Ignore')], default='reimport', max_length=10)),
                ('on_cancel', models.CharField(choices=[('cancel', 'Cancel'), ('ignore', 'Ignore')], default='cancel', max_length=10)),
                ('poll_despatches_seconds', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('properties', models.JSONField(blank=True, default=dict, help_text='Fixed extra order properties.')),
                ('destination', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='orderflow_channel', to='orders.destination')),
            ],
            options={
                'verbose_name': 'OrderFlow channel',
                'ordering': ('destination',),
                'constraints': [models.CheckConstraint(condition=models.Q(('batch_size__gte', 1)), name='orderflow_batch_is_not_empty'), models.CheckConstraint(condition=models.Q(('auth_type__in', ['headers', 'basic'])), name='orderflow_auth_type_is_known')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalProduct',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('sku', models.CharField(max_length=120, verbose_name='SKU')),
                ('properties', models.JSONField(default=dict)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('channel', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='orderflow.orderflowchannel')),
            ],
            options={
                'verbose_name': 'historical product',
                'verbose_name_plural': 'historical products',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='DespatchPoll',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cursor', models.CharField(blank=True, default='', max_length=19)),
                ('due_at', models.DateTimeField()),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('failure', models.TextField(blank=True, default='')),
                ('failing_since', models.DateTimeField(blank=True, null=True)),
                ('channel', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='despatch_poll', to='orderflow.orderflowchannel')),
            ],
        ),
        migrations.CreateModel(
            name='Despatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=255)),
                ('order_reference', models.CharField(blank=True, max_length=255)),
                ('state', models.CharField(blank=True, max_length=120)),
                ('courier', models.CharField(blank=True, max_length=255)),
                ('despatch_reference', models.CharField(blank=True, max_length=255)),
                ('tracking_url', models.CharField(blank=True, max_length=2000, verbose_name='tracking URL')),
                ('completed_at', models.DateTimeField()),
                ('lines', models.JSONField(blank=True, default=dict)),
                ('seen_at', models.DateTimeField(auto_now_add=True)),
                ('channel', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='despatches', to='orderflow.orderflowchannel')),
            ],
            options={
                'verbose_name_plural': 'despatches',
                'indexes': [models.Index(fields=['channel', 'order_reference'], name='despatches_of_an_order'), models.Index(condition=models.Q(('despatch_reference', ''), _negated=True), fields=['channel', 'despatch_reference'], name='despatch_by_its_reference')],
                'constraints': [models.UniqueConstraint(fields=('channel', 'reference'), name='despatch_kept_once')],
            },
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sku', models.CharField(max_length=120, verbose_name='SKU')),
                ('properties', models.JSONField(default=dict)),
                ('owed_digest', models.CharField(blank=True, default='', max_length=64)),
                ('held_digest', models.CharField(blank=True, default='', max_length=64)),
                ('failure', models.TextField(blank=True, default='')),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='products', to='orderflow.orderflowchannel')),
            ],
            options={
                'ordering': ('channel', 'sku'),
                'constraints': [models.UniqueConstraint(fields=('channel', 'sku'), name='product_unique_per_channel_and_sku')],
            },
        ),
        migrations.CreateModel(
            name='WarehouseOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('business_unit_id', models.CharField(max_length=128)),
                ('customer_order_id', models.CharField(max_length=128)),
                ('reference', models.CharField(max_length=120, null=True)),
                ('first_received_at', models.DateTimeField()),
                ('owed', models.CharField(blank=True, choices=[('', 'Nothing'), ('import', 'Import'), ('cancel', 'Cancel'), ('close', 'Close')], default='', max_length=10)),
                ('owed_digest', models.CharField(blank=True, default='', max_length=65)),
                ('state', models.CharField(choices=[('absent', 'Absent'), ('unknown', 'Unknown'), ('unlisted', 'Unlisted'), ('held', 'Held'), ('cancelled', 'Cancelled')], default='absent', max_length=10)),
                ('digest', models.CharField(blank=True, default='', max_length=64)),
                ('imports_unanswered', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('import_sent_at', models.DateTimeField(blank=True, null=True)),
                ('cancel_sent_at', models.DateTimeField(blank=True, null=True)),
                ('failure', models.TextField(blank=True, default='')),
                ('channel', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='orders', to='orderflow.orderflowchannel')),
            ],
            options={
                'indexes': [models.Index(fields=['reference'], name='warehouse_order_by_reference')],
                'constraints': [models.UniqueConstraint(fields=('channel', 'customer_order_id', 'business_unit_id'), name='warehouse_order_unique_per_order'), models.UniqueConstraint(fields=('channel', 'reference'), name='warehouse_reference_reserved_once'), models.CheckConstraint(condition=models.Q(('state__in', ['absent', 'unknown', 'unlisted', 'held', 'cancelled'])), name='warehouse_order_state_is_known')],
            },
        ),
    ]
