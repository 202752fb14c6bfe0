"""
What a token request brings, and what every answer of the token service carries.

The headers are those recorded of the real service in 2024 and 2025.
"""

from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.clock import format_http_date, format_stamp
from entra_emulator.errors import TokenRefusal, refuse
from entra_emulator.web.context import trace_of
from entra_emulator.web.request_notes import notes_of

# The longest form that is read, in bytes.
FORM_LIMIT = 262_144

# On discovery and keys, which scripts of other sites may read (recorded 2021-2025).
_CACHED = {
    "Cache-Control": "max-age=86400, private",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, OPTIONS",
}
_NOT_CACHED = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache", "Expires": "-1"}


async def read_form(request: Request) -> dict[str, str]:
    """
    The fields of the urlencoded body; of a name that comes twice, the first.

    Raises:
        TokenRefusal: 9002313, too large or not urlencoded UTF-8.
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


def answer_oauth(
    request: Request, content: Any, *, status: int = 200, code: int = 0, cached: bool = False
) -> Response:
    """A JSON answer of the token service; for `code` and `cached` see `describe_oauth`."""
    headers = describe_oauth(request, code=code, cached=cached)
    return Response(
        msgspec.json.encode(content), status, headers, "application/json; charset=utf-8"
    )


def describe_oauth(
    request: Request, *, code: int = 0, cached: bool = False, to_browser: bool = False
) -> dict[str, str]:
    """
    The headers of every answer of the token service, but for its cookies.

    Args:
        request: what is answered.
        code: the AADSTS number for `x-ms-clitelem`, 0 for success.
        cached: a discovery document, which clients may keep for a day.
        to_browser: leave out what makes a browser use https for this host from now on: on
            `localhost` that would break the http listeners of MSAL and of everybody else.
    """
    trace = trace_of(request)
    headers = (_CACHED if cached else _NOT_CACHED) | {
        "X-Content-Type-Options": "nosniff",
        "P3P": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
        "x-ms-request-id": trace.request_id,
        "x-ms-ests-server": "2.1.20465.4 - EMUL ProdSlices",
        "x-ms-srs": "1.P",
        "X-XSS-Protection": "0",
        "Date": format_http_date(trace.now),
    }
    if not to_browser:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if trace.client_request_id is not None:
        headers["client-request-id"] = trace.client_request_id
    form = notes_of(request.scope).form
    # Only clients with MSAL's telemetry get it, as recorded; MSAL Node has that in the form.
    if any(name.lower().startswith("x-client-") for name in (*request.headers, *form)):
        headers["x-ms-clitelem"] = f"1,{code},0,,"
    return headers


def describe_refusal(request: Request, refusal: TokenRefusal) -> dict[str, Any]:
    """
    The token service's error object, its keys in the recorded order.

    Before `Trace ID` and its like stands a single blank, as recorded since February 2024; until
    then it was a line break.
    """
    trace = trace_of(request)
    # The client's own ID, or a random one: never the trace ID (recorded 2024 and 2025).
    correlation_id = trace.client_request_id or str(uuid4())
    notes = notes_of(request.scope)
    notes.refusal, notes.correlation_id = refusal, correlation_id
    stamp = format_stamp(trace.now)
    content = {
        "error": refusal.error,
        "error_description": (
            f"AADSTS{refusal.code}: {refusal.text} Trace ID: {trace.request_id} "
            f"Correlation ID: {correlation_id} Timestamp: {stamp}"
        ),
        "error_codes": [refusal.code],
        "timestamp": stamp,
        "trace_id": trace.request_id,
        "correlation_id": correlation_id,
        "error_uri": f"https://login.microsoftonline.com/error?code={refusal.code}",
        "suberror": refusal.suberror,
    }
    # Recorded: no error_uri for a code redeemed twice, no suberror where there is none.
    if refusal.code == 54005:
        del content["error_uri"]
    if not refusal.suberror:
        del content["suberror"]
    return content
