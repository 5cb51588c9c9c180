"""Tenants and API clients: what the migrations of the OAuth toolkit refer to."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import oauth2_provider.generators
import oauth2_provider.models
import orders.database.commit_order
import orders.database.ids
import orders.models.tenants
import simple_history.models
from django.conf import settings
from django.db import migrations, models


BY_HOUR = """
    CREATE INDEX order_event_by_hour_and_correlation
    ON orders_orderevent (date_trunc('hour', received_at AT TIME ZONE 'UTC'), correlation_id)
"""
"""A correlation id is indexed within its hour: ids are random, and an index on them alone would touch a page of its own,
anywhere in the history, for every PUT (8,900 bytes of log per PUT instead of 2,000; by the hour some 2,600). A search
asks hour by hour, one probe each (orders.timeline.find)."""


def index_by_hour(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(BY_HOUR)


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name='Tenant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.CharField(max_length=63, unique=True, validators=[django.core.validators.RegexValidator('^[a-z0-9][a-z0-9-]{0,62}\\Z', 'Use a-z, 0-9 and hyphens, at most 63, no hyphen first.')], verbose_name='id')),
                ('name', models.CharField(max_length=200)),
                ('active', models.BooleanField(default=True)),
                ('mode', models.CharField(choices=[('proxy', 'Proxy'), ('migrating', 'Migrating'), ('events', 'Events')], max_length=10)),
                ('country', models.CharField(blank=True, default='', max_length=2, validators=[django.core.validators.RegexValidator('^[a-z]{2}\\Z')])),
                ('time_zone', models.CharField(default='UTC', max_length=64, validators=[orders.models.tenants.validate_time_zone])),
                ('external_url', models.CharField(blank=True, default='', max_length=2000, verbose_name='external URL')),
                ('proxy_timeout_seconds', models.FloatField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(0.05), django.core.validators.MaxValueValidator(30)])),
                ('status_map', models.JSONField(blank=True, default=dict)),
                ('case_type', models.CharField(default='contentClaim', max_length=128)),
                ('event_retry_schedule', models.JSONField(blank=True, null=True)),
                ('not_fetched_after_minutes', models.PositiveIntegerField(default=30)),
                ('tells_from', models.DateTimeField(blank=True, help_text='They are notified only of orders first received from then on. Empty: while migrating of no order, otherwise of every order.', null=True, verbose_name='notify suppliers and warehouses from')),
                ('cut_over_rule', models.JSONField(blank=True, editable=False, null=True)),
                ('compared_per_minute', models.PositiveSmallIntegerField(db_default=30, default=30, help_text="While migrating, so many stored orders that nobody reads are read from the tenant's own system and compared. 0: none.", validators=[django.core.validators.MaxValueValidator(600)], verbose_name='orders compared per minute')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ('slug',),
                'constraints': [models.CheckConstraint(condition=models.Q(('mode__in', ['proxy', 'migrating', 'events'])), name='tenant_mode_is_known'), models.CheckConstraint(condition=models.Q(('mode', 'events'), models.Q(('external_url', ''), _negated=True), _connector='OR'), name='tenant_that_reads_through_has_an_external_url')],
            },
        ),
        migrations.CreateModel(
            name='ApiClient',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('client_id', models.CharField(db_index=True, default=oauth2_provider.generators.generate_client_id, max_length=255, unique=True, verbose_name='client ID')),
                ('redirect_uris', models.TextField(blank=True, help_text='Allowed URIs list, space separated', verbose_name='redirect URIs')),
                ('post_logout_redirect_uris', models.TextField(blank=True, default='', help_text='Allowed Post Logout URIs list, space separated', verbose_name='post logout redirect URIs')),
                ('client_type', models.CharField(choices=[('confidential', 'Confidential'), ('public', 'Public')], max_length=32, verbose_name='client type')),
                ('authorization_grant_type', models.CharField(choices=[('authorization-code', 'Authorization code'), ('urn:ietf:params:oauth:grant-type:device_code', 'Device Code'), ('implicit', 'Implicit'), ('password', 'Resource owner password-based'), ('client-credentials', 'Client credentials'), ('openid-hybrid', 'OpenID connect hybrid')], max_length=44, verbose_name='authorization grant type')),
                ('client_secret', oauth2_provider.models.ClientSecretField(blank=True, db_index=True, default=oauth2_provider.generators.generate_client_secret, help_text='Client secret for authentication', max_length=255, verbose_name='client secret')),
                ('hash_client_secret', models.BooleanField(default=True, verbose_name='hash client secret')),
                ('name', models.CharField(blank=True, max_length=255, verbose_name='name')),
                ('skip_authorization', models.BooleanField(default=False, verbose_name='skip authorization')),
                ('created', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated', models.DateTimeField(auto_now=True, verbose_name='updated')),
                ('algorithm', models.CharField(blank=True, choices=[('', 'No OIDC support'), ('RS256', 'RSA with SHA-2 256'), ('HS256', 'HMAC with SHA-2 256')], default='', max_length=5, verbose_name='algorithm')),
                ('allowed_origins', models.TextField(blank=True, default='', help_text='Allowed origins list to enable CORS, space separated', verbose_name='allowed origins')),
                ('registration_source', models.CharField(choices=[('manual', 'Manual'), ('dcr', 'Dynamic Client Registration'), ('cimd', 'Client ID Metadata Document')], default='manual', help_text='How this application was registered (manual, DCR per RFC 7591, or CIMD)', max_length=32, verbose_name='registration source')),
                ('cimd_expires_at', models.DateTimeField(blank=True, default=None, help_text='When the cached Client ID Metadata Document should be re-fetched', null=True, verbose_name='CIMD expires at')),
                ('kind', models.CharField(choices=[('tenant', 'Tenant'), ('supplier', 'Supplier')], default='tenant', max_length=10)),
                ('active', models.BooleanField(default=True)),
                ('scopes', models.JSONField(default=list)),
                ('business_units', models.JSONField(blank=True, help_text='Empty: all business units.', null=True)),
                ('public_keys', models.JSONField(blank=True, default=list)),
                ('previous_client_secret', models.CharField(blank=True, default='', editable=False, max_length=255)),
                ('previous_secret_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='%(app_label)s_%(class)s', to=settings.AUTH_USER_MODEL, verbose_name='user')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='api_clients', to='orders.tenant')),
            ],
            options={
                'verbose_name': 'API client',
                'ordering': ('client_id',),
            },
        ),
    ]
