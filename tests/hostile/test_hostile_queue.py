"""Somebody with access to Redis puts any message into the workers' queues: the workers go on, and run nothing of it."""

from __future__ import annotations

import base64
import gzip
import json
import os
import pickle
import sys
import uuid

import pytest
from celery import current_app

from config.broker import NOTHING, NoWake, WakeTransport, command_of, wake_of
from orders.models import OrderEvent
from tests.processes import HubProcess, wait_until

pytestmark = pytest.mark.needs_redis
EMPTY = base64.b64encode(NOTHING).decode()


def envelope(**changed):
    """A wake as Celery writes it, with other parts."""
    tag = str(uuid.uuid4())
    whole = {
        "body": EMPTY, "content-type": "application/json", "content-encoding": "utf-8",
        "headers": {"task": "orders.tasks.drain", "id": tag, "lang": "py"},
        "properties": {"delivery_tag": tag, "body_encoding": "base64", "correlation_id": tag, "delivery_mode": 2,
                       "delivery_info": {"exchange": "", "routing_key": "inbound"}, "priority": 0},
    }  # fmt: skip
    return whole | changed


class Planted:
    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (self.place,)


def hostile(place):
    """One message of each kind."""
    bomb = base64.b64encode(gzip.compress(b"0" * 50_000_000)).decode()
    runs = base64.b64encode(pickle.dumps(Planted(place))).decode()
    headers = {"task": "orders.tasks.drain", "id": "1", "lang": "py"}
    chained = {"callbacks": [{"task": "celery.backend_cleanup", "args": [], "kwargs": {}}], "errbacks": None,
               "chain": [{"task": "orders.tasks.sweep", "args": []}], "chord": None}  # fmt: skip
    return [
        b"", b"\xff\xfe", b"no json", b"{}", b"[]", b"null", b"5", b'"text"', b"[" * 100_000,
        json.dumps({"properties": {}}), json.dumps(envelope(properties={})), json.dumps(envelope(properties=None)),
        json.dumps(envelope(headers=None)), json.dumps(envelope(headers=[])),
        *(json.dumps(envelope(headers={"task": task})) for task in ([], "os.system", "celery.group", "x")),
        json.dumps(envelope(body="not base64!")), json.dumps(envelope(body=5)), json.dumps(envelope(body=None)),
        json.dumps(envelope(body=runs) | {"content-type": "application/x-python-serialize"}),
        json.dumps(envelope(body=bomb, headers=headers | {"compression": "application/x-gzip"})),
        json.dumps(envelope(headers=headers | {"eta": "9999-01-01T00:00:00+00:00"})),
        json.dumps(envelope(headers=headers | {"eta": "never", "expires": [], "timelimit": ["x"], "retries": "x"})),
        json.dumps(envelope(body=base64.b64encode(json.dumps([["a"] * 9, {"x": 1}, chained]).encode()).decode())),
    ]  # fmt: skip


def test_our_own_transport_carries_the_wakes():
    with current_app.connection_for_write() as connection:
        assert isinstance(connection.transport, WakeTransport)


def test_of_a_message_only_the_task_is_taken():
    sent = envelope(
        body="bomb",
        headers={"task": "orders.tasks.sweep", "compression": "x", "eta": "x", "id": "theirs"},
        properties={"reply_to": "elsewhere", "delivery_tag": 5},
    )
    taken = wake_of(sent, "outbound")
    assert (taken["body"], set(taken["headers"]), taken["headers"]["task"]) == (
        EMPTY, {"task", "id", "root_id", "lang", "ignore_result"}, "orders.tasks.sweep",
    )  # fmt: skip
    assert set(taken["properties"]) == {"delivery_tag", "body_encoding", "delivery_info"}
    assert "theirs" not in json.dumps(taken)


@pytest.mark.parametrize(
    "message",
    [None, 5, [], {}, "text", {"headers": None}, *({"headers": {"task": one}} for one in (5, "os.system", "celery.x"))],
)
def test_what_names_no_task_of_ours_is_no_wake(message):
    with pytest.raises(NoWake):
        wake_of(message, "inbound")


def commands():
    """Remote commands of other types and shapes."""
    asked = {"ticket": "t", "reply_to": {"exchange": "e", "routing_key": "k"}}
    bodies = [
        5, None, [], {}, {"method": 5}, {"method": "ping", "reply_to": 5}, {"method": "ping", "destination": 5},
        {"method": "shutdown", **asked}, {"method": "conf", **asked}, {"method": "cancel_consumer", **asked},
    ]  # fmt: skip
    for inner in bodies:
        text = base64.b64encode(json.dumps(inner).encode()).decode()
        yield json.dumps(envelope(body=text, headers={"clock": "x"}))


@pytest.mark.parametrize("message", list(commands()))
def test_what_is_no_question_is_no_command(message):
    with pytest.raises((NoWake, ValueError)):
        command_of(json.loads(message), "w.celery.pidbox")


def applied(engine):
    return OrderEvent.objects.filter(status=OrderEvent.Status.APPLIED).count()


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs_postgres
@pytest.mark.parametrize("queue", ["inbound", "outbound"])
def test_a_worker_reads_on_and_does_its_work(engine, empty_redis, hub_environ, tmp_path, queue):
    environ = hub_environ | {"HUB_WORKER_PROCESSES": "1"}
    place = str(tmp_path / "code-was-run")
    messages = hostile(place)
    command = [sys.executable, "manage.py", "worker", "--queues", queue]
    with HubProcess(command, environ=environ, log=tmp_path / "log") as worker:
        wait_until(lambda: reads(empty_redis, queue), why=lambda: worker.text[-3000:])
        for message in messages:
            empty_redis.lpush(queue, message)
        wait_until(lambda: not empty_redis.llen(queue), why=lambda: worker.text[-3000:])
        empty_redis.set(queue, "no list at all")
        wait_until(lambda: not empty_redis.exists(queue), why=lambda: worker.text[-3000:])
        assert current_app.control.inspect(timeout=30, limit=1).active_queues(), worker.text[-3000:]
        for message in [*messages, *commands()]:
            for number in (0, empty_redis.connection_pool.connection_kwargs["db"]):
                empty_redis.publish(f"/{number}.celery.pidbox", message)
        for command in ("shutdown", "pool_shrink", "disable_events"):
            current_app.control.broadcast(command)
        current_app.control.cancel_consumer(queue)
        current_app.control.time_limit("orders.tasks.drain", soft=0.001, hard=0.001)
        assert current_app.control.inspect(timeout=30, limit=1).active_queues(), worker.text[-6000:]
        assert current_app.control.inspect(timeout=1).conf() is None
        empty_redis.sadd(f"_kombu.binding.{queue}", "elsewhere\x06\x16\x06\x16elsewhere")
        wait_until(lambda: reads(empty_redis, queue), why=lambda: worker.text[-3000:])
        if queue == "inbound":
            engine.put()
            current_app.send_task("orders.tasks.drain", queue="inbound", retry=False, ignore_result=True)
            wait_until(lambda: applied(engine) == 1, why=lambda: worker.text[-3000:])
        assert worker.process.poll() is None
        assert "Unrecoverable" not in worker.text
    assert not os.path.exists(place)
    assert not empty_redis.exists("elsewhere")


def reads(client, queue):
    """Whether the worker takes a wake out of its queue."""
    current_app.send_task("orders.tasks.housekeeping", queue=queue, retry=False, ignore_result=True)
    try:
        wait_until(lambda: not client.llen(queue), seconds=1)
    except AssertionError:
        return False
    return True
