"""How Graph refuses: the error object, and the challenge beside a 401."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.clock import format_date
from entra_emulator.errors import GraphRefusal
from entra_emulator.web.context import trace_of
from entra_emulator.web.graph_answers import answer_graph
from entra_emulator.web.request_notes import notes_of

# `common` stands for every tenant, and the client ID is that of Microsoft Graph itself.
_CHALLENGE = (
    'Bearer realm="", '
    'authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
    'client_id="00000003-0000-0000-c000-000000000000"'
)


def answer_refusal(
    request: Request, refusal: Exception, *, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request that is refused."""
    assert isinstance(refusal, GraphRefusal)
    notes_of(request.scope).refusal = refusal
    trace = trace_of(request)
    inner = {"date": format_date(trace.now), "request-id": trace.request_id}
    if refusal.inner:  # of a throttled request: in this order, without the client's ID (documented)
        inner = dict(sorted({**inner, **refusal.inner}.items()))
    else:
        # Recorded: the body always has this ID; if the client sent none, it repeats the request ID.
        inner["client-request-id"] = trace.client_request_id or trace.request_id
    error: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if refusal.details:
        error["details"] = refusal.details
    error["innerError"] = inner
    challenge = {}
    if refusal.status == 401:
        # Continuous access evaluation: a client that supports it requests a token with them.
        claims = f', error="insufficient_claims", claims="{refusal.claims}"'
        challenge["WWW-Authenticate"] = _CHALLENGE + ("" if refusal.claims is None else claims)
    return answer_graph(
        request,
        msgspec.json.encode({"error": error}),
        status=refusal.status,
        media_type="application/json",
        # Recorded for 404: a refusal costs one unit. A refusal by the gateway costs nothing.
        units=None if refusal.gateway else 1,
        headers={**challenge, **refusal.headers, **(headers or {})},
    )
