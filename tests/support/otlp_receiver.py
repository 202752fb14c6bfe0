"""A receiver of OpenTelemetry's traces, by OTLP over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class OtlpReceiver:
    """A server that keeps what it is sent, or never answers."""

    def __init__(self, *, silent: bool) -> None:
        self.bodies: list[bytes] = []
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                if silent:
                    outer.released.wait(30)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> dict[str, dict[str, object]]:
        """The attributes of each span by its name, with its parent's name as `parent`."""
        spans = [
            one
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for one in scope.spans
        ]
        names = {one.span_id: one.name for one in spans}
        return {
            one.name: {
                "parent": names.get(one.parent_span_id),
                "failed": one.status.code == 2,
                "events": len(one.events),
                **{
                    pair.key: pair.value.string_value or pair.value.int_value
                    for pair in one.attributes
                },
            }
            for one in spans
        }


@contextmanager
def receive_spans(*, silent: bool = False) -> Iterator[OtlpReceiver]:
    receiver = OtlpReceiver(silent=silent)
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()
