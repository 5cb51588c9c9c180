"""One trace from PUT to webhook, told to a collector over a real socket in OpenTelemetry's own protocol."""

import http.server
import os
import threading
import uuid

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from orders.inbox import applying
from orders.models import Destination
from orders.outbox import dispatcher
from orders.telemetry import tracing
from tests.bodies import body

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both, pytest.mark.usefixtures("fake_channel")]
ORDER = "/api/v1/business-units/store-1/customer-orders/1001"


def forget():
    tracing._provider(os.getpid()).shutdown()
    tracing._provider.cache_clear()


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = ExportTraceServiceRequest()
        request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def spans(monkeypatch):
    """What a collector on loopback was told, while tracing is on."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.spans = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    exporter = OTLPSpanExporter(f"http://127.0.0.1:{server.server_port}/v1/traces")
    monkeypatch.setattr(tracing, "ON", True)
    monkeypatch.setattr(tracing, "_exporters", lambda: [SimpleSpanProcessor(exporter)])
    tracing._provider.cache_clear()
    yield server.spans
    forget()
    server.shutdown()
    server.server_close()


def test_put_applying_and_sending_are_one_trace_named_by_the_event(spans, acme, api):
    Destination.objects.create(tenant=acme, channel="fake", name="beans")
    answer = api.put(ORDER, body("1001"), headers={"Correlation-Id": "till-7"}).json()
    while applying.drain():
        pass
    dispatcher.deliver()

    event = uuid.UUID(answer["eventId"])
    by_name = {span.name: span for span in spans}
    assert sorted(by_name) == ["applied", "received", "sent"]
    assert {uuid.UUID(bytes=span.trace_id) for span in spans} == {event}
    assert by_name["received"].parent_span_id == b""
    assert by_name["applied"].parent_span_id == by_name["received"].span_id
    assert by_name["sent"].parent_span_id == by_name["applied"].span_id
    assert by_name["received"].start_time_unix_nano <= by_name["applied"].start_time_unix_nano
    told = {one.key: one.value.string_value for one in by_name["sent"].attributes}
    assert (told["orderhub.destination"], told["orderhub.verdict"]) == ("beans", "delivered")
    assert {one.key: one.value.string_value for one in by_name["received"].attributes}[
        "orderhub.correlation_id"
    ] == "till-7"


def test_nothing_is_traced_unless_a_collector_is_named(api, monkeypatch):
    monkeypatch.setattr(tracing, "_exporters", lambda: pytest.fail("an exporter was made"))
    assert tracing.ON is False
    assert api.put(ORDER, body("1001")).status_code == 202


def test_a_collector_that_is_away_costs_no_order(monkeypatch, api):
    exporter = OTLPSpanExporter("http://127.0.0.1:1/v1/traces", timeout=0.2)
    monkeypatch.setattr(tracing, "ON", True)
    monkeypatch.setattr(tracing, "_exporters", lambda: [SimpleSpanProcessor(exporter)])
    tracing._provider.cache_clear()
    assert api.put(ORDER, body("1001")).status_code == 202
    forget()
