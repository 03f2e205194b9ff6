"""An OpenTelemetry collector for tests: real OTLP/HTTP, spans as protobuf."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from db.ids import id_from_text
from tests.engine.api.gateway import wait_until


class Collector:
    """An OTLP/HTTP receiver of traces."""

    def __init__(self) -> None:
        self.received: list[ExportTraceServiceRequest] = []
        received = self.received

        class Receive(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert self.path == "/v1/traces"
                received.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on the tests' stderr."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receive)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def spans(self) -> list[Span]:
        return [
            span
            for request in list(self.received)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def span_of(self, request: int) -> Span:
        """The span whose response id ends in the request's id, once it is there."""

        def found() -> list[Span]:
            return [
                span
                for span in self.spans()
                if id_from_text(attributes(span)["gen_ai.response.id"][-16:]) == request
            ]

        wait_until(lambda: bool(found()))
        (span,) = found()
        return span

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def attributes(span: Span) -> dict[str, Any]:
    return {item.key: plain(item.value) for item in span.attributes}


def plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    assert kind is not None
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    return getattr(value, kind)
