"""
Traces by OpenTelemetry, and the only home of its packages.

Where they go, and all else, its own variables say, such as `OTEL_EXPORTER_OTLP_ENDPOINT` and
`OTEL_TRACES_SAMPLER` ("OpenTelemetry Environment Variable Specification" and "Protocol Exporter" on
opentelemetry.io).
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Status, StatusCode

from graphdaemon import __version__
from graphdaemon.errors import Error
from graphdaemon.http.span import Note, Value, traced_by
from graphdaemon.http.threads import SHARED as THREADS

# What has not arrived by then when the daemon ends is lost: its end waits for nobody.
_LAST_S = 1.0


@asynccontextmanager
async def trace(exporter: SpanExporter | None = None) -> AsyncGenerator[None]:
    """
    Trace everything that happens in this process while the block runs.

    Args:
        exporter: Where the spans go; by default to a receiver of OTLP over HTTP.
    """
    resource = Resource.create({"service.name": "graphdaemon", "service.version": __version__})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    tracer = provider.get_tracer("graphdaemon", __version__)

    @contextmanager
    def begin(name: str, attributes: Mapping[str, Value]) -> Iterator[Note]:
        # An exception's text and trace may quote what came from elsewhere: its code is enough.
        with tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span.set_attribute
            except BaseException as error:
                code = error.code if isinstance(error, Error) else type(error).__name__
                span.set_attribute("error.type", code)
                span.set_status(Status(StatusCode.ERROR))
                raise

    try:
        with traced_by(begin):
            yield
    finally:
        await _end(provider)


async def _end(provider: TracerProvider) -> None:
    """Send what is left, for a moment."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def shut_down() -> None:
        provider.shutdown()
        if not loop.is_closed():
            loop.call_soon_threadsafe(ended.set)

    THREADS.start(shut_down)
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_S):
            await ended.wait()
