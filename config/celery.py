"""The Celery application. Tasks only make rows move sooner: the rows say what is owed (orders.tasks)."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("orderhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.worker_consumer = "config.consumer:WakeConsumer"
app.autodiscover_tasks()
