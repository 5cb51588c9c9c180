"""Celery's transport over Redis for queues that anybody with Redis may have written to (docs/design/threat-model.md).

Of a message only the name of one of our tasks is read, and tasks have no arguments: its body, its headers (compression,
callbacks, times) and its reply address are ignored. Of remote commands only questions are accepted. Any other message,
and a key of another Redis type in place of a queue, is skipped; in plain kombu and Celery, one such ends the worker.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import redis.exceptions
import structlog
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as transport
from kombu.transport.virtual import Empty

QUEUES = frozenset({"inbound", "outbound"})
TASK_PREFIX = "orders.tasks."
NOTHING = b'[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
"""Celery's message protocol, version 2: no arguments and nothing to follow."""
COMMANDS, ANSWERS = ".celery.pidbox", ".reply.celery.pidbox"
"""How the names of Celery's own queues end: of remote commands to a worker, and of the answers to who asked."""
ANSWERED = frozenset({"ping", "active_queues"})
"""Remote commands that ``doctor`` and a person ask with. The others stop a worker, or what it reads, for anyone who can
write to Redis; a worker is stopped by a signal."""

log = structlog.get_logger("orderhub.broker")


class NoWake(Exception):
    """What lay in the queue names none of our tasks, or is no message."""


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
        return self._past_strangers(super()._brpop_read, **options)

    def _receive_one(self, client: Any) -> Any:
        """A remote command, which comes to all workers. Several are read at a time: one that raised, be it Empty, would
        leave those behind it unread until the next comes."""
        try:
            return self._past_strangers(super()._receive_one, client)
        except Empty:
            return False

    def _past_strangers(self, read: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        before = set(self.qos._delivered)
        try:
            return read(*arguments, **options)
        except (*self.connection_errors, Empty):
            raise
        except redis.exceptions.ResponseError as error:
            if not str(error).startswith("WRONGTYPE"):
                raise
            self._drop_other_types()
        except Exception as error:  # noqa: BLE001  # whatever a message does to who reads it, the next one is read
            for tag in set(self.qos._delivered) - before:
                self.qos.ack(tag)
            log.warning("message left out: it is none of ours", error=type(error).__name__)
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
        super()._deliver(sanitized(message, queue), queue)  # type: ignore[no-untyped-call]


def sanitized(message: Any, queue: str) -> Any:
    """The message reduced to what is trusted. Raises NoWake. Replies to remote commands pass unchanged."""
    if queue in QUEUES:
        return wake_of(message, queue)
    return command_of(message, queue) if queue.endswith(COMMANDS) and not queue.endswith(ANSWERS) else message


def wake_of(message: Any, queue: str) -> Mapping[str, Any]:
    """The message, reduced to its task. Raises NoWake."""
    match message:
        case {"headers": {"task": str(task)}} if task.startswith(TASK_PREFIX):
            return _bare(task, queue)
    raise NoWake


def command_of(message: Any, queue: str) -> Mapping[str, Any]:
    """A remote command in ANSWERED with where to answer it, and nothing else. Raises NoWake."""
    match message:
        case {"body": str(body), "headers": dict(headers)} if "compression" not in headers:
            asked = orjson.loads(base64.b64decode(body))
        case _:
            raise NoWake
    match asked:
        case {"method": str(method), "ticket": str(ticket), "reply_to": {"exchange": str(to), "routing_key": str(key)}}:
            if method in ANSWERED:
                answer_to = {"exchange": to, "routing_key": key}
                command = {"method": method, "arguments": {}, "ticket": ticket, "reply_to": answer_to}
                return _made(orjson.dumps(command), queue, {"clock": 0})
    raise NoWake


def _bare(task: str, queue: str) -> Mapping[str, Any]:
    name = str(uuid.uuid4())
    return _made(NOTHING, queue, {"task": task, "id": name, "root_id": name, "lang": "py", "ignore_result": True})


def _made(body: bytes, queue: str, headers: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "body": base64.b64encode(body).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": dict(headers),
        "properties": {
            "delivery_tag": str(uuid.uuid4()),
            "body_encoding": "base64",
            "delivery_info": {"exchange": queue, "routing_key": queue},
        },
    }


def use_for_redis() -> None:
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "config.broker:WakeTransport"))
