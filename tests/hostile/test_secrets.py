"""No secret is found again: partners repeat what they were sent, and all that is kept, told and shown is searched."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import logging
import os

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection

from orders.access import staff
from orders.models import AlertMessage, DeliveryAttempt, Tenant
from orders.onboarding.files import export_tenant
from orders.onboarding.self_test import reports
from orders.outgoing import partner_tokens
from orders.outgoing.session import forget_sessions
from proxy import breaker, credentials, drift
from tests.hostile.secret_scene import Scene, canary, echo, mail_server, refusing, tokens
from tests.orderflow.conftest import add_channel  # noqa: F401
from tests.orders import test_personal_pages
from tests.orders.test_tracing import spans  # noqa: F401
from tests.orders.wire_server import wire_server
from tests.suppliers.conftest import add_supplier, tenant  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both]
NOTE = drift.note
"""The real one: the neighbours of this folder are better off without."""


@pytest.fixture
def logged():
    """What the hub prints, in JSON, with the levels that it runs with."""
    printed = io.StringIO()
    own = next(one for one in logging.getLogger().handlers if getattr(one, "name", "") == "stderr")
    handler = logging.StreamHandler(printed)
    handler.setFormatter(own.formatter)
    apart = [logging.getLogger(), *(logging.getLogger(name) for name in PINNED)]
    for logger in apart:
        logger.addHandler(handler)
    yield printed
    for logger in apart:
        logger.removeHandler(handler)


PINNED = ("celery", "kombu", "amqp", "django.request", "oauth2_provider", "oauthlib", "urllib3")


@pytest.fixture
def scene(logged, tenant, add_supplier, add_channel, settings, monkeypatch):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [0]
    settings.HUB_METRICS_TOKEN = canary("metrics")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_HOST_USER = "127.0.0.1", "hub"
    settings.EMAIL_HOST_PASSWORD = "Kanari3-of-the-mail-server"
    monkeypatch.setattr(drift, "note", NOTE)
    for forget in (credentials.forget_credentials, breaker.forget, drift._observations.forget, cache.clear):
        forget()
    with (
        mail_server() as port,
        wire_server(echo) as partner,
        wire_server(tokens) as granting,
        wire_server(refusing) as no,
    ):
        settings.EMAIL_PORT = port
        settings.HUB_EMAIL_URL = f"submission://hub:{settings.EMAIL_HOST_PASSWORD}@127.0.0.1:{port}"
        made = Scene(tenant, add_supplier, add_channel, partner=partner, granting=granting, refusing_login=no)
        made.plant()
        made.work()
        yield made
        forget_sessions()
    partner_tokens.forget_tokens()


def tables():
    """(table, row) of the whole database, columns as bytes: what a thief of a dump reads."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield (
                    table,
                    b"|".join(bytes(one) if isinstance(one, memoryview | bytes) else str(one).encode() for one in row),
                )


def in_redis():
    """(key, value) of all that this test's Redis holds, unpacked."""
    read = {
        b"string": lambda found, key: found.get(key),
        b"list": lambda found, key: b"|".join(found.lrange(key, 0, -1)),
        b"set": lambda found, key: b"|".join(found.smembers(key)),
        b"zset": lambda found, key: b"|".join(found.zrange(key, 0, -1)),
        b"hash": lambda found, key: b"|".join(one for pair in found.hgetall(key).items() for one in pair),
    }
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as found:
        for key in found.scan_iter():
            yield key, key + b"=" + (read[found.type(key)](found, key) or b"")


def leaks(scene, told):
    return [(where, found) for where, data in told if (found := scene.found_in(data))]


def test_no_secret_is_found_again_wherever_one_looks(spans, logged, scene):
    assert DeliveryAttempt.objects.filter(response_cut__contains="********").count() >= 4
    assert AlertMessage.objects.exclude(error="").count() == 2
    assert {one.status_code for one in scene.answers} >= {200, 400, 401, 404, 422, 502}
    assert leaks(scene, tables()) == []
    assert leaks(scene, scene.outside()) == []
    assert logged.getvalue().count("\n") > 50
    assert leaks(scene, [("log", logged.getvalue().encode())]) == []
    assert {span.name for span in spans} == {"applied", "sent"}
    assert leaks(scene, [(span.name, str(span).encode()) for span in spans]) == []
    if settings.CACHES["default"].get("LOCATION"):
        held = list(in_redis())
        assert [key for key, _ in held if b"partner-token:" in key]
        assert leaks(scene, held) == []


def test_no_page_export_report_or_command_tells_a_secret(scene, capsys, monkeypatch):
    told = [(f"file of {one}", export_tenant(one).encode()) for one in Tenant.objects.all()]
    assert all(b"********" in text for _, text in told)
    for form in (reports.as_text, reports.as_json, reports.as_html):
        told += [(f"{form.__name__} of {run}", form(run).encode()) for run in scene.reports]
    call_command("secrets", "list")
    call_command("secrets", "reseal")
    with contextlib.suppress(SystemExit):
        call_command("doctor", "--json")
    told.append(("commands", capsys.readouterr().out.encode()))
    api = scene.callers["acme"]
    metrics = api.get("/metrics", headers={"Authorization": f"Bearer {settings.HUB_METRICS_TOKEN}"})
    told += [("metrics", metrics.content), ("details", api.get("/healthz").content)]
    monkeypatch.setattr(test_personal_pages, "ROWS", 1)
    monkeypatch.setattr(test_personal_pages, "QUESTIONS", ())
    shown = shown_to(scene, staff.SUPERUSER)
    assert len(shown) > 100
    assert leaks(scene, told + shown) == []


@pytest.mark.long
@pytest.mark.parametrize("role", staff.ROLES)
def test_no_page_shows_a_secret_to_anybody(scene, role):
    shown = shown_to(scene, role)
    assert len(shown) > 400
    assert leaks(scene, shown) == []


def shown_to(scene, role):
    """Every page, with several questions and rows, and what is downloaded there unpacked."""
    pages = test_personal_pages.pages()
    return [(page, test_personal_pages.content(scene.staff[role].get(page))) for page in pages]
