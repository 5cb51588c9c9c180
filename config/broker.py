"""Celery's transport over Redis for queues that anybody with Redis may have written to (docs/design/threat-model.md).

A message is taken for nothing but the name of one of our tasks, which all take nothing: its body, its headers
(compression, callbacks, times) and its reply address are left unread. What is no such message, and a key of another
Redis type where a queue should be, is left out; as kombu and Celery have it, one such ends the worker.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from typing import Any

import redis.exceptions
import structlog
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as transport
from kombu.transport.virtual import Empty

QUEUES = frozenset({"inbound", "outbound"})
TASK_PREFIX = "orders.tasks."
NOTHING = base64.b64encode(b'[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]').decode()
"""Celery's message protocol, version 2: no arguments and nothing to follow."""

log = structlog.get_logger("orderhub.broker")


class NoWake(Exception):
    """What lay in the queue names none of our tasks."""


class WakeChannel(transport.Channel):
    """Which queue a wake goes to is known here, and not asked of Redis: a planted binding leads none astray."""

    def _lookup(self, exchange: str, routing_key: str, default: Any = None) -> Any:
        if exchange in QUEUES:
            return [exchange]
        return super()._lookup(exchange, routing_key, default)  # type: ignore[no-untyped-call]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        if exchange not in QUEUES:
            super()._queue_bind(exchange, routing_key, pattern, queue)  # type: ignore[no-untyped-call]

    def _brpop_read(self, **options: Any) -> Any:
        held = set(self.qos._delivered)
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (*self.connection_errors, Empty):
            raise
        except redis.exceptions.ResponseError as error:
            if not str(error).startswith("WRONGTYPE"):
                raise
            self._drop_other_types()
        except Exception as error:  # noqa: BLE001  # whatever a message does to who reads it, the next one is read
            for tag in set(self.qos._delivered) - held:
                self.qos.ack(tag)
            log.warning("message left out: it is no wake of ours", error=type(error).__name__)
        return True

    def _drop_other_types(self) -> None:
        with self.conn_or_acquire() as client:
            steps = [(queue, step) for queue in QUEUES for step in self.priority_steps]
            keys = [self._q_for_pri(*one) for one in steps]  # type: ignore[no-untyped-call]
            other = [key for key in keys if client.type(key) not in (b"list", b"none")]
            if other:
                client.delete(*other)
        log.warning("keys removed: they were no queues", keys=other)


class WakeTransport(transport.Transport):
    Channel = WakeChannel

    def _deliver(self, message: Any, queue: str) -> None:
        wake = wake_of(message, queue) if queue in QUEUES else message
        super()._deliver(wake, queue)  # type: ignore[no-untyped-call]


def wake_of(message: Any, queue: str) -> Mapping[str, Any]:
    """The message with nothing of what it says but its task. Raises NoWake."""
    match message:
        case {"headers": {"task": str(task)}} if task.startswith(TASK_PREFIX):
            return _bare(task, queue)
    raise NoWake


def _bare(task: str, queue: str) -> Mapping[str, Any]:
    tag = str(uuid.uuid4())
    return {
        "body": NOTHING,
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": task, "id": tag, "root_id": tag, "lang": "py", "ignore_result": True},
        "properties": {
            "delivery_tag": tag,
            "body_encoding": "base64",
            "delivery_info": {"exchange": queue, "routing_key": queue},
        },
    }


def use_for_redis() -> None:
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "config.broker:WakeTransport"))
