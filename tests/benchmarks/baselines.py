"""The baselines: as little as can do the same job, so that nobody can slow them.

`gunicorn tests.benchmarks.baselines:application`: Django, no middleware, keep-alive; `bare_put` is one INSERT in
autocommit, `bare_read` answers JSON after one query, `bare_forward` passes a GET on with a pooled session and looks at
nothing.

HUB_BENCH_BASELINE=bare: no middleware. HUB_BENCH_BASELINE=middleware: the same views behind the hub's own list, with
the hub's settings.
"""

from __future__ import annotations

import json
import os

import django
import requests
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

TABLE = "CREATE TABLE IF NOT EXISTS bare_event (id bigserial PRIMARY KEY, body text NOT NULL)"


def bare_put(request: HttpRequest, **ids: str) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare_event (body) VALUES (%s)", [request.body.decode()])
    return HttpResponse(b'{"status":"pending"}', status=202, content_type="application/json")


def bare_read(request: HttpRequest, number: int) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, body FROM bare_event WHERE id = %s", [number])
        found, body = cursor.fetchone()
    return JsonResponse({"id": found, "order": json.loads(body)})


def _session() -> requests.Session:
    """One pool for all threads, as large as there are threads; nothing from the environment, as in the hub."""
    session = requests.Session()
    session.trust_env = False
    pool = requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=int(os.environ.get("HUB_WEB_THREADS") or 16))
    session.mount("http://", pool)
    session.auth = ("bench", os.environ.get("HUB_BENCH_PASSWORD", ""))
    session.headers["Tenant-Id"] = "bench-proxy"
    return session


SESSION = _session()
OMS_URL = os.environ.get("HUB_BENCH_OMS", "")


def bare_forward(request: HttpRequest, rest: str) -> HttpResponse:
    answer = SESSION.get(f"{OMS_URL}/{rest}", timeout=5)
    return HttpResponse(answer.content, status=answer.status_code, content_type=answer.headers["Content-Type"])


urlpatterns = [
    path("forward/<path:rest>", bare_forward),
    path("read/<int:number>", bare_read),
    path("<path:anything>", bare_put),
]


def _without_middleware() -> None:
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


def _behind_the_hubs_middleware() -> None:
    settings.ROOT_URLCONF = __name__


KINDS = {"bare": _without_middleware, "middleware": _behind_the_hubs_middleware}

if os.environ.get("HUB_BENCH_BASELINE"):
    KINDS[os.environ["HUB_BENCH_BASELINE"]]()
    django.setup()
    application = WSGIHandler()
