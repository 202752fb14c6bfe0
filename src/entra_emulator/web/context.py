"""
What every request brings along, and what every answer carries.

Header sets are the recorded ones: the token service's of 2024-2025, Graph's of
2021-2024.
"""

import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from entra_emulator.audit import Audit
from entra_emulator.clock import Clock, format_http_date, format_stamp
from entra_emulator.directory.directory import Directory
from entra_emulator.errors import OAuthFault, refuse
from entra_emulator.faults.schedule import Faults
from entra_emulator.faults.throttle import Throttle
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Tenant
from entra_emulator.tokens.foreign_keys import IssuerKeys
from entra_emulator.tokens.signing import KeyRing
from entra_emulator.web.request_notes import Trace, notes_of

GRAPH_RESOURCES = frozenset(
    {GRAPH_APP_ID, "https://graph.microsoft.com", "https://graph.microsoft.com/"}
)
GRAPH_JSON = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)
FORM_LIMIT = 262_144
SHARED_TENANTS = frozenset({"common", "organizations"})

# Bodies up to this are compressed in less time than a change of threads takes.
COMPRESSED_AT_ONCE = 16_384

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DNS_NAME = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.IGNORECASE)
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,128}")
_GZIP = re.compile(rb"gzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))")
_AGS = (
    '{"ServerInfo":{"DataCenter":"Emulator","Slice":"E","Ring":"5","ScaleUnit":"001",'
    '"RoleInstance":"EMULATOR00000001"}}'
)


class DeltaSettings(NamedTuple):
    """
    How delta queries are cut into pages, and how long their links live.

    Args:
        page: the most objects on a page; users saw 200 (microsoft-graph-docs#5363,
            microsoft-graph-explorer-v4#1157).
        links: the most linked objects on a page; users saw a group of 9,993 members on 20 pages
            (msgraph-sdk-dotnet#574).
        age: seconds that a link lives ("Use delta query": seven days).
        gone: answer an expired link with 410 and the way to a new beginning, as after maintenance
            of a tenant, instead of 400.
    """

    page: int = 200
    links: int = 500
    age: float = 7 * 86_400.0
    gone: bool = False


@dataclass(frozen=True)
class Context:
    """
    What the handlers work with.

    Args:
        directory: the tenants.
        keys: sign and verify access tokens.
        clock: what time it is.
        draw_lifetime: seconds the next access token lives; said `True`, that of a client
            that handles claims challenges.
        hostnames: names, without port, that this emulator answers for.
        page_key: signs page tokens.
        page_token_age: seconds until a page token expires.
        strict_filter: refuse `ge` and `le` on strings, which the current
            documentation does not list but public programs have long used.
        issuers: the keys of foreign token issuers.
        faults: which requests are to fail.
        throttle: how much everybody has used up.
        audit: what was asked, and what became of it.
        device_interval: seconds between two polls of a device.
        delta: how delta queries are answered.
        ca_pem: the certificate that clients trust this emulator by; empty if that is not known.
    """

    directory: Directory
    keys: KeyRing
    clock: Clock
    draw_lifetime: Callable[[bool], int]
    hostnames: frozenset[str]
    page_key: bytes
    page_token_age: float
    strict_filter: bool
    issuers: IssuerKeys
    faults: Faults
    throttle: Throttle
    audit: Audit
    device_interval: int = 5
    delta: DeltaSettings = field(default_factory=DeltaSettings)
    ca_pem: bytes = b""


def context_of(request: Request) -> Context:
    """The context that `create_app` was given."""
    context: Context = request.app.state.context
    return context


def host_name(host: str) -> str:
    """The name in a `Host` header, in small letters, without port and brackets."""
    name = host.partition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]
    return name.lower()


def origin_of(request: Request) -> str:
    """The origin the caller used, e.g. `https://localhost:8443`."""
    return f"{request.scope['scheme']}://{request.headers['host']}"


def trace_of(request: Request) -> Trace:
    """The request's trace, made on first use; MSAL Node sends its ID in query and form only."""
    notes = notes_of(request.scope)
    if notes.trace is None:
        name = "client-request-id"
        sent = request.headers.get(name) or request.query_params.get(name) or notes.form.get(name)
        if sent is not None and not _PRINTABLE.fullmatch(sent):
            sent = None
        # Every recorded trace ID ends in 00.
        notes.trace = Trace(str(uuid4())[:-2] + "00", sent, context_of(request).clock.now())
    return notes.trace


async def read_form(request: Request) -> dict[str, str]:
    """
    The urlencoded body; of a name that comes twice, the first.

    Raises:
        OAuthFault: 9002313, too large or not urlencoded UTF-8.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT:
            raise refuse(9002313)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError as error:
        raise refuse(9002313) from error
    notes_of(request.scope).form = form = dict(reversed(pairs))
    return form


def find_tenant(context: Context, segment: str, *, error: str = "invalid_request") -> Tenant | None:
    """
    The tenant a path names; None for `common` and `organizations`.

    Raises:
        OAuthFault: 900023 for a segment that cannot be a tenant, 90002 for one
            that is not here; `error` is what 90002 calls itself.
    """
    if segment.lower() in SHARED_TENANTS:
        return None
    if not (is_guid(segment) or _DNS_NAME.fullmatch(segment) or segment == "consumers"):
        raise refuse(900023, tenant=segment)
    tenant = context.directory.tenant(segment)
    if tenant is None:
        raise refuse(90002, error=error, tenant=segment)
    return tenant


def is_guid(text: str) -> bool:
    """Whether the text is a GUID with hyphens."""
    return _GUID.fullmatch(text) is not None


def names_graph(context: Context, resource: str) -> bool:
    """
    Whether a resource identifier means Microsoft Graph.

    Azure CLI asks for the emulator's own origin with a slash behind it,
    msgraph-sdk for its host name without the port.
    """
    if resource.lower() in GRAPH_RESOURCES:
        return True
    try:
        parts = urlsplit(resource)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme == "https" and parts.path in {"", "/"} and host in context.hostnames


def answer_oauth(
    request: Request, content: Any, *, status: int = 200, code: int = 0, cached: bool = False
) -> Response:
    """
    A JSON answer of the token service.

    Args:
        request: what is answered.
        content: the JSON body.
        status: the HTTP status.
        code: the AADSTS number for `x-ms-clitelem`, 0 for success.
        cached: a discovery document, which clients may keep for a day.
    """
    headers = describe_oauth(request, code=code, cached=cached)
    return Response(
        msgspec.json.encode(content), status, headers, "application/json; charset=utf-8"
    )


def describe_oauth(request: Request, *, code: int = 0, cached: bool = False) -> dict[str, str]:
    """The headers of every answer of the token service; cookies are left out."""
    trace = trace_of(request)
    headers = (
        {
            "Cache-Control": "max-age=86400, private",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "GET, OPTIONS",
        }
        if cached
        else {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache", "Expires": "-1"}
    )
    headers |= {
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "P3P": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
        "x-ms-request-id": trace.request_id,
        "x-ms-ests-server": "2.1.20465.4 - EMUL ProdSlices",
        "x-ms-srs": "1.P",
        "X-XSS-Protection": "0",
        "Date": format_http_date(trace.now),
    }
    if trace.client_request_id is not None:
        headers["client-request-id"] = trace.client_request_id
    form = notes_of(request.scope).form
    if any(name.lower().startswith("x-client-") for name in (*request.headers, *form)):
        headers["x-ms-clitelem"] = f"1,{code},0,,"
    return headers


def describe_fault(request: Request, fault: OAuthFault) -> dict[str, Any]:
    """
    The token service's error object, keys in the recorded order.

    Single blanks before `Trace ID` and its like: recorded since February 2024, line breaks before.
    """
    trace = trace_of(request)
    correlation_id = trace.client_request_id or str(uuid4())
    notes = notes_of(request.scope)
    notes.refusal, notes.correlation_id = fault, correlation_id
    stamp = format_stamp(trace.now)
    content = {
        "error": fault.error,
        "error_description": (
            f"AADSTS{fault.code}: {fault.text} Trace ID: {trace.request_id} "
            f"Correlation ID: {correlation_id} Timestamp: {stamp}"
        ),
        "error_codes": [fault.code],
        "timestamp": stamp,
        "trace_id": trace.request_id,
        "correlation_id": correlation_id,
        "error_uri": f"https://login.microsoftonline.com/error?code={fault.code}",
        "suberror": fault.suberror,
    }
    # Recorded: no error_uri for a code redeemed twice, no suberror where there is none.
    if fault.code == 54005:
        del content["error_uri"]
    if not fault.suberror:
        del content["suberror"]
    return content


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
    An answer of Graph; `units` is its cost, None for refusals of the gateway.

    Recorded: never a `Content-Length`, compressed for who takes gzip, and nothing about a body
    where there is none.
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
    if status < 300:
        described["OData-Version"] = "4.0"
    return _GraphAnswer(body, status, described | dict(headers or {}), media_type)


class _GraphAnswer(Response):
    """An answer with a body, which is written in chunks, and compressed for who takes gzip."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        super().init_headers(headers)
        self.raw_headers = [h for h in self.raw_headers if h[0] != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  Starlette calls it so
        body, headers = bytes(self.body), self.raw_headers
        if _takes_gzip(scope):
            headers = [*headers, (b"content-encoding", b"gzip")]
            if len(body) > COMPRESSED_AT_ONCE:
                body = await run_in_threadpool(_compress, body)
            else:
                body = _compress(body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _takes_gzip(scope: Scope) -> bool:
    """Whether the answer is to be compressed; a batch is compressed as a whole."""
    accepted = next((v for name, v in scope["headers"] if name == b"accept-encoding"), b"")
    return _GZIP.search(accepted) is not None and not notes_of(scope).batched


def _compress(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=1, mtime=0)
