"""
What every answer of Microsoft Graph carries, and how its body travels.

The headers are those recorded of the real service from 2021 to 2024.
"""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from entra_emulator.clock import format_http_date
from entra_emulator.web.context import context_of, trace_of
from entra_emulator.web.request_notes import notes_of

GRAPH_JSON = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)

# A weight of zero means: never gzip (RFC 9110, 12.5.3).
_GZIP = re.compile(rb"gzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))")
# Clients log this header for Microsoft's support; it names no real data center.
_AGS = (
    '{"ServerInfo":{"DataCenter":"Emulator","Slice":"E","Ring":"5","ScaleUnit":"001",'
    '"RoleInstance":"EMULATOR00000001"}}'
)


def answer_graph(
    request: Request,
    body: bytes,
    *,
    status: int = 200,
    media_type: str = GRAPH_JSON,
    units: int | None = 1,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """
    An answer of Graph.

    As recorded, it never has a `Content-Length`, and without a body no header that describes one;
    the body is left out with status 204. The cost is in resource units; it is None for refusals of
    the gateway, which cost nothing.
    """
    trace = trace_of(request)
    described = {
        "Strict-Transport-Security": "max-age=31536000",
        "request-id": trace.request_id,
        "client-request-id": trace.client_request_id or trace.request_id,
        "x-ms-ags-diagnostic": _AGS,
        "Date": format_http_date(trace.now),
    }
    if units is not None:
        described |= {"Cache-Control": "no-cache", "x-ms-resource-unit": str(units)}
    if status == 204:
        return Response(None, status, described | dict(headers or {}))
    described["Vary"] = "Accept-Encoding"
    # No refusal has it (recorded 2021-2024).
    if status < 300:
        described["OData-Version"] = "4.0"
    return _GraphAnswer(body, status, described | dict(headers or {}), media_type)


class _GraphAnswer(Response):
    """An answer whose body is sent in chunks, and compressed if the client accepts gzip."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        super().init_headers(headers)
        self.raw_headers = [h for h in self.raw_headers if h[0] != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  Starlette calls it so
        body, headers = bytes(self.body), self.raw_headers
        if _takes_gzip(scope):
            headers = [*headers, (b"content-encoding", b"gzip")]
            body = await context_of(Request(scope)).compression.compress(body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _takes_gzip(scope: Scope) -> bool:
    """Whether the answer is to be compressed; a batch is compressed as a whole."""
    accepted = next((v for name, v in scope["headers"] if name == b"accept-encoding"), b"")
    return _GZIP.search(accepted) is not None and not notes_of(scope).batched
