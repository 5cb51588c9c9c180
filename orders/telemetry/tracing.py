"""OpenTelemetry traces, where they are installed and switched on: one trace from PUT to webhook.

Work passes through database rows, so no call carries a trace context. Instead the ids are computed: the trace id is
the event id, and a span id is a hash of the step and the event id, so each process knows its parent span. The event id
from the API or the admin finds the trace.

    received   the PUT, as long as its caller waited
    applied    the batch in which the event was applied
    sent       one attempt of a delivery that the event required

On when ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set and the extra ``otel`` is installed; otherwise a call costs one
comparison. The exporter sends spans from its own thread; when the collector is away, traces are lost, never orders.
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.conf import settings

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The standard's variable, as are all others that the exporter reads."""
ON = bool(os.environ.get(ENDPOINT))


def received(event_id: uuid.UUID, *, began: float, correlation_id: str) -> None:
    """``began`` is ``time.time()`` at the start of the request."""
    if ON:
        _emit("received", event_id, "", began, time.time(), {"orderhub.correlation_id": correlation_id})


def applied(event_ids: Iterable[uuid.UUID], *, began: float) -> None:
    """``began`` is ``time.time()`` when the batch was begun."""
    if ON:
        now = time.time()
        for event_id in event_ids:
            _emit("applied", event_id, "received", began, now, {})


def sent(event_id: uuid.UUID | None, *, began: datetime, milliseconds: float, attributes: dict[str, Any]) -> None:
    """One attempt of a delivery; one that no event required (a product) has no trace."""
    if ON and event_id is not None:
        start = began.timestamp()
        _emit("sent", event_id, "applied", start, start + milliseconds / 1000, attributes)


def span_id(what: str, event_id: uuid.UUID) -> int:
    """64 bits derived from the step and the event; attempts of deliveries have random ones."""
    return int.from_bytes(hashlib.blake2b(what.encode() + event_id.bytes, digest_size=8).digest())


def _emit(what: str, event_id: uuid.UUID, parent: str, began: float, ended: float, more: dict[str, Any]) -> None:
    from opentelemetry import trace

    context = None
    if parent:
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        above = trace.SpanContext(event_id.int, span_id(parent, event_id), is_remote=True, trace_flags=flags)
        context = trace.set_span_in_context(trace.NonRecordingSpan(above))
    ids.trace = event_id.int
    ids.span = random.getrandbits(64) if what == "sent" else span_id(what, event_id)  # names, guards nothing
    attributes = {"orderhub.event_id": str(event_id), **more}
    tracer = _provider(os.getpid()).get_tracer("orderhub", settings.HUB_VERSION)
    span = tracer.start_span(what, context, start_time=int(began * 1e9), attributes=attributes)
    span.end(end_time=int(ended * 1e9))


class _Ids(threading.local):
    """OpenTelemetry's IdGenerator: the ids that the calling thread has set."""

    trace = 0
    span = 0

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        return self.span

    def is_trace_id_random(self) -> bool:
        """An event's id begins with its time."""
        return False


ids = _Ids()


@cache
def _provider(pid: int) -> Any:
    """One per process: after a fork the child has the exporter's memory, but not its thread."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    made = TracerProvider(
        resource=Resource.create({"service.name": "orderhub", "service.version": settings.HUB_VERSION}),
        id_generator=ids,  # type: ignore[arg-type]  # keeps the interface without its base class, which is optional
    )
    for exporter in _exporters():
        made.add_span_processor(exporter)
    return made


def _exporters() -> Sequence[Any]:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return [BatchSpanProcessor(OTLPSpanExporter())]
