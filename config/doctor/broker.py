"""Redis and the workers. Without them nothing is processed, but nothing is lost: all pending work is in rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import redis
from celery import current_app

from config.doctor.findings import Finding, warning, well, wrong
from config.settings import ENV

ANSWER_SECONDS = 2.0
"""How long workers may take to answer: those that apply a batch answer between two of them."""
QUEUES = {"inbound": "applies events", "outbound": "sends to partners"}


def reachable() -> Iterator[Finding]:
    if ENV.embedded:
        yield well("broker", "embedded: worker and scheduler run in the web process")
        return
    try:
        started = time.perf_counter()
        with redis.Redis.from_url(ENV.redis_url, socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()
            seconds, policy = time.perf_counter() - started, _policy(client)
    except redis.RedisError as error:
        step = "Start it, or correct REDIS_URL. PUTs go on and are stored; they are applied when it is back."
        yield wrong("broker", f"Redis at {_place()} does not answer: {error}", step)
        return
    if policy and policy != "noeviction":
        step = "Set maxmemory-policy noeviction: otherwise Redis may drop wake-ups, and work waits for the sweep."
        yield warning("broker", f"Redis may evict messages (maxmemory-policy {policy})", step)
    else:
        yield well("broker", f"Redis at {_place()} answers in {seconds * 1000:.1f} ms")


def _place() -> str:
    """Without the password."""
    parts = urlsplit(ENV.redis_url)
    return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path


def _policy(client: Any) -> str:
    """Empty where the server does not allow CONFIG, as managed ones often do not."""
    try:
        return str(client.config_get("maxmemory-policy").get("maxmemory-policy", ""))
    except redis.ResponseError:
        return ""


def workers() -> Iterator[Finding]:
    if ENV.embedded:
        return
    try:
        answers = current_app.control.inspect(timeout=ANSWER_SECONDS).active_queues() or {}
    except Exception as error:  # noqa: BLE001  # the broker finding above has the cause
        yield warning("workers", f"could not be asked: {error}", "Correct the broker first.")
        return
    served = {queue["name"] for queues in answers.values() for queue in queues}
    for queue, does in QUEUES.items():
        if queue in served:
            hosts = sorted(host for host, queues in answers.items() if any(one["name"] == queue for one in queues))
            yield well("workers", f"{queue}: {', '.join(hosts)}")
        else:
            step = f"Start one: make worker QUEUES={queue}. Its work waits in the database."
            yield wrong("workers", f"no worker serves {queue}, which {does}", step)
