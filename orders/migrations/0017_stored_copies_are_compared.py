"""Stored copies of a migrating tenant are compared with its own system: counts, differences, known noise, the sweep."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0016_when_a_tenant_may_be_cut_over'),
    ]

    operations = [
        migrations.CreateModel(
            name='ComparisonSweep',
            fields=[
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='comparison_sweep', serialize=False, to='orders.tenant')),
                ('after_unit', models.CharField(blank=True, default='', max_length=128)),
                ('after_order', models.CharField(blank=True, default='', max_length=128)),
                ('due_at', models.DateTimeField()),
                ('rounds', models.PositiveIntegerField(default=0)),
                ('compared', models.BigIntegerField(default=0)),
                ('paused_because', models.CharField(blank=True, default='', max_length=300)),
            ],
        ),
        migrations.AddField(
            model_name='historicaltenant',
            name='compared_per_minute',
            field=models.PositiveSmallIntegerField(db_default=30, default=30, help_text="While migrating, so many stored orders that nobody reads are read from the tenant's own system and compared. 0: none.", validators=[django.core.validators.MaxValueValidator(600)], verbose_name='orders compared per minute'),
        ),
        migrations.AddField(
            model_name='tenant',
            name='compared_per_minute',
            field=models.PositiveSmallIntegerField(db_default=30, default=30, help_text="While migrating, so many stored orders that nobody reads are read from the tenant's own system and compared. 0: none.", validators=[django.core.validators.MaxValueValidator(600)], verbose_name='orders compared per minute'),
        ),
        migrations.CreateModel(
            name='ComparisonHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField()),
                ('way', models.CharField(choices=[('read', 'a proxied read'), ('search', 'a proxied search'), ('sweep', 'the sampled sweep')], max_length=10)),
                ('matched', models.BigIntegerField(default=0)),
                ('stale', models.BigIntegerField(default=0)),
                ('wrong', models.BigIntegerField(default=0)),
                ('dropped', models.BigIntegerField(default=0)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='comparison_hours', to='orders.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'starts_at', 'way'), name='comparison_hour_unique_per_tenant_and_way')],
            },
        ),
        migrations.CreateModel(
            name='Difference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('business_unit_id', models.CharField(max_length=128)),
                ('customer_order_id', models.CharField(max_length=128)),
                ('member', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('value', 'another value'), ('digits', 'same number, other digits'), ('instant', 'same time, written otherwise'), ('missing here', 'missing in the stored copy'), ('missing there', "missing in the tenant's own system"), ('sequence', 'same entries in another sequence')], max_length=20)),
                ('pointer', models.CharField(blank=True, default='', max_length=300)),
                ('places', models.PositiveIntegerField(default=1)),
                ('here', models.TextField(blank=True, default='')),
                ('there', models.TextField(blank=True, default='')),
                ('count', models.BigIntegerField(default=1)),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('queue', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='differences', to='orders.orderqueue')),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='differences', to='orders.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', '-last_seen_at', '-id'], name='difference_newest_first'), models.Index(fields=['tenant', 'member'], name='difference_by_member')],
                'constraints': [models.UniqueConstraint(fields=('queue', 'member'), name='difference_unique_per_order_and_member'), models.CheckConstraint(condition=models.Q(('kind__in', ['value', 'digits', 'instant', 'missing here', 'missing there', 'sequence'])), name='difference_kind_is_known')],
            },
        ),
        migrations.CreateModel(
            name='IgnoredMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('member', models.CharField(max_length=200)),
                ('kind', models.CharField(blank=True, choices=[('value', 'another value'), ('digits', 'same number, other digits'), ('instant', 'same time, written otherwise'), ('missing here', 'missing in the stored copy'), ('missing there', "missing in the tenant's own system"), ('sequence', 'same entries in another sequence')], default='', max_length=20)),
                ('who', models.CharField(max_length=255)),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='ignored_members', to='orders.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'member', 'kind'), name='ignored_member_unique_per_kind')],
            },
        ),
        migrations.CreateModel(
            name='MemberHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField()),
                ('member', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('value', 'another value'), ('digits', 'same number, other digits'), ('instant', 'same time, written otherwise'), ('missing here', 'missing in the stored copy'), ('missing there', "missing in the tenant's own system"), ('sequence', 'same entries in another sequence')], max_length=20)),
                ('wrong', models.BigIntegerField(default=0)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='member_hours', to='orders.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'starts_at', 'member', 'kind'), name='member_hour_unique_per_member_and_kind')],
            },
        ),
    ]
