"""The baselines: as little as can do the same job, so that nobody can slow them.

`gunicorn tests.benchmarks.baselines:application`: Django, no middleware, keep-alive, one INSERT in autocommit.
"""

from __future__ import annotations

import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

TABLE = "CREATE TABLE IF NOT EXISTS bare_event (id bigserial PRIMARY KEY, body text NOT NULL)"


def bare_put(request: HttpRequest, **ids: str) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare_event (body) VALUES (%s)", [request.body.decode()])
    return HttpResponse(b'{"status":"pending"}', status=202, content_type="application/json")


urlpatterns = [path("<path:anything>", bare_put)]


def _configure() -> None:
    import dj_database_url

    database = dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=None)
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": database},
        INSTALLED_APPS=[],
        MIDDLEWARE=[],
        ROOT_URLCONF=__name__,
        SECRET_KEY="a bare view keeps no secrets",
        USE_TZ=True,
    )
    django.setup()


if os.environ.get("HUB_BENCH_BASELINE"):
    _configure()
    application = WSGIHandler()
