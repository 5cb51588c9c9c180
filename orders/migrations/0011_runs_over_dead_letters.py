import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0010_retention'),
    ]

    operations = [
        migrations.CreateModel(
            name='RepairRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verb', models.CharField(choices=[('preview', 'Preview'), ('retry', 'Retry'), ('set aside', 'Set Aside'), ('discard', 'Discard')], max_length=10)),
                ('selection', models.JSONField(default=dict)),
                ('words', models.CharField(max_length=300)),
                ('who', models.CharField(max_length=255)),
                ('reason', models.TextField(blank=True, default='')),
                ('expected', models.IntegerField(default=0)),
                ('counts', models.JSONField(default=dict)),
                ('cursor', models.UUIDField(null=True)),
                ('state', models.CharField(choices=[('running', 'Running'), ('stopped', 'Stopped'), ('done', 'Done')], default='running', max_length=10)),
                ('stop_requested', models.BooleanField(db_default=False, default=False)),
                ('log', models.JSONField(default=list)),
                ('lease', models.UUIDField(null=True)),
                ('leased_until', models.DateTimeField(null=True)),
                ('began_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, to='orders.tenant')),
            ],
            options={
                'ordering': ('-pk',),
                'indexes': [models.Index(condition=models.Q(('state', 'running')), fields=['id'], name='repair_run_running')],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('verb__in', ['preview', 'retry', 'set aside', 'discard'])), name='repair_run_verb_is_known'),
                    models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('finished_at__isnull', False), _connector='OR'), name='repair_run_done_has_a_finish_time'),
                ],
            },
        ),
    ]
