"""What watches the hub asks: alive, ready, moving, and figures for Prometheus (docs/reference/api.md#probes).

    /livez    this process answers; asks nobody else
    /readyz   this process can accept work: database, schema, keys; not Redis and not the workers
    /healthz  the work moves: the oldest due row of each kind is younger than HUB_PROGRESS_LIMIT_SECONDS
    /metrics  the same and more as Prometheus text, read from the database, so that every process answers the same

Details are for loopback and for bearers of HUB_METRICS_TOKEN.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from orders.access import sealing
from orders.api.errors import ProblemResponse, reads_only
from orders.integrations import integrations
from orders.models import Secret
from orders.monitoring.progress import backlog, oldest_due
from orders.values.problems import NotAuthenticated, Unavailable

log = structlog.get_logger("orderhub.probes")


@reads_only
def livez(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "alive"})


@reads_only
def readyz(request: HttpRequest) -> HttpResponse:
    """503 with the names of what fails; the log has the reasons. Without the database nothing else is asked."""
    failing = ["database"]
    if _holds("database", _database):
        failing = [name for name, check in CHECKS.items() if not _holds(name, check)]
    if failing:
        return JsonResponse({"status": "not ready", "failing": failing}, status=503)
    return JsonResponse({"status": "ready"})


def _holds(name: str, check: Callable[[], str]) -> bool:
    try:
        reason = check()
    except DatabaseError as error:
        reason = str(error)
    if reason:
        log.warning("not ready", check=name, reason=reason)
    return not reason


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _schema() -> str:
    missing = _migrations_of_this_version() - MigrationRecorder(connection).applied_migrations().keys()
    return f"not migrated: {', '.join(sorted(name for _, name in missing))}; run make migrate" if missing else ""


@cache
def _migrations_of_this_version() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations or ())


def _keys() -> str:
    """The newest secret must open: it was sealed with the keys in force, so a process with others was set up wrong."""
    newest = Secret.objects.order_by("-updated_at").first()
    if newest is None:
        return ""
    try:
        sealing.open_row(newest)
    except sealing.SecretLost as lost:
        return str(lost)
    return ""


CHECKS = {"schema": _schema, "keys": _keys}
"""What is asked once the database answers."""


@reads_only
def healthz(request: HttpRequest) -> HttpResponse:
    """503 while a due row is older than the limit, or nobody can tell because the database is away."""
    try:
        oldest = oldest_due()
    except DatabaseError as error:
        log.warning("progress unknown", reason=str(error))
        return JsonResponse({"status": "unknown"}, status=503)
    stuck = oldest.beyond(settings.HUB_PROGRESS_LIMIT_SECONDS)
    answer: dict[str, Any] = {"status": "stuck" if stuck else "moving"}
    if may_see_details(request):
        ages = {"events": oldest.events, "deliveries": oldest.deliveries}
        answer |= {"limitSeconds": settings.HUB_PROGRESS_LIMIT_SECONDS, "oldestDueSeconds": ages}
    return JsonResponse(answer, status=503 if stuck else 200)


@reads_only
def metrics(request: HttpRequest) -> HttpResponse:
    if not may_see_details(request):
        challenge = {"WWW-Authenticate": 'Bearer realm="orderhub metrics"'}
        return ProblemResponse(
            NotAuthenticated("Figures are for loopback and for HUB_METRICS_TOKEN.", headers=challenge)
        )
    registry = CollectorRegistry(auto_describe=False)
    try:
        registry.register(DatabaseFigures())
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    except DatabaseError as error:
        log.warning("no figures", reason=str(error))
        return ProblemResponse(Unavailable("The hub's database is not reachable."))


class DatabaseFigures(Collector):
    """Everything is a gauge read from the rows at the moment of asking."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        ages, counts = oldest_due(), backlog()
        age = _gauge("oldest_due_seconds", "Age of the oldest due row; 0 when nothing is due.", "kind")
        age.add_metric(["events"], ages.events or 0.0)
        age.add_metric(["deliveries"], ages.deliveries or 0.0)
        yield age
        yield _by_kind("owed_lines", "Orders with events to apply; lanes with deliveries to send.", counts.pending)
        yield _by_kind("dead", "Rows in the dead-letter queue.", counts.dead)
        destinations = _gauge("destinations", "Active destinations by channel and state.", "channel", "state")
        for labels, count in counts.destinations.items():
            destinations.add_metric(list(labels), count)
        yield destinations
        for one in integrations():
            yield from one.gauges()


def _by_kind(name: str, said: str, counts: dict[str, int]) -> GaugeMetricFamily:
    gauge = _gauge(name, said, "kind")
    for kind, count in counts.items():
        gauge.add_metric([kind], count)
    return gauge


def _gauge(name: str, said: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"orderhub_{name}", said, labels=labels)


def may_see_details(request: HttpRequest) -> bool:
    """Loopback itself (nobody's forwarded request), or the bearer of HUB_METRICS_TOKEN."""
    wanted = settings.HUB_METRICS_TOKEN
    scheme, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if wanted and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), wanted.encode()):
        return True
    return not request.META.get("HUB_FORWARDED") and _is_loopback(request.META.get("REMOTE_ADDR", ""))


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback
