"""
`POST /$batch`: several requests in one.

Each request is treated as if it had been sent alone: it is authorized and throttled by itself, and
faults apply to it by itself. The answer to the batch is 200, even if requests in it failed.
"""

import asyncio
import base64
import random
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from entra_emulator.errors import deny
from entra_emulator.graph.batch_envelope import BatchRequest, list_waves, read_requests
from entra_emulator.graph.call import Call
from entra_emulator.graph.error_object import answer_refusal
from entra_emulator.web.context import trace_of
from entra_emulator.web.graph_answers import answer_graph
from entra_emulator.web.request_notes import notes_of

# The headers of an answer in the batch, in the order of the documented example.
_SHOWN = (
    "Location",
    "Retry-After",
    "Cache-Control",
    "x-ms-resource-unit",
    "x-ms-throttle-limit-percentage",
    "x-ms-throttle-scope",
    "x-ms-throttle-information",
    "Preference-Applied",
    "WWW-Authenticate",
    "OData-Version",
    "Content-Type",
)

# Headers that only the batch determines; those of a request in it are ignored.
_OWN = frozenset({"authorization", "content-length", "host", "transfer-encoding"})

# Characters of an address that are not encoded; `%` is one, because some addresses are encoded.
_SAFE = "%/:@!$&'()*+,;=?"

# Headers of the batch that each request inside has too.
_PASSED = frozenset({b"authorization", b"host", b"user-agent"})


async def run_batch(call: Call) -> Response:
    """
    `POST /$batch`: the answers, in an order that is not that of the requests.

    The service promises no order. Here it depends on the requests' IDs alone, so that the same
    batch is always answered in the same order.

    Raises:
        GraphRefusal: 400, the envelope is bad.
    """
    requests = read_requests(call.body)
    answers: dict[str, dict[str, Any]] = {}
    for wave in list_waves(requests):
        done = await asyncio.gather(*(_run_inner(call, inner, answers) for inner in wave))
        answers |= {inner.id.casefold(): answer for inner, answer in zip(wave, done, strict=True)}
    responses = list(answers.values())
    draws = random.Random(" ".join(inner.id for inner in requests))  # noqa: S311 - chance, not secrecy
    draws.shuffle(responses)
    body = msgspec.json.encode({"responses": responses})
    # The requests in the batch were charged one by one; the batch itself costs nothing.
    return answer_graph(call.request, body, media_type="application/json", units=None)


async def _run_inner(
    call: Call, inner: BatchRequest, answers: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The answer to one request, in the form that it has in the answer to the batch."""
    scope = _make_scope(call, inner)
    # Checked first, because a request must change nothing if one that it depends on has failed.
    if any(answers[other]["status"] >= 400 for other in inner.after):
        return _refuse(scope, inner, "dependency_failed")
    if inner.url.partition("?")[0].strip("/").lower() == "$batch":
        return _refuse(scope, inner, "batch_nested")
    try:
        content = _write_body(inner)
    except ValueError:
        return _refuse(scope, inner, "body_malformed")
    status, headers, body = await _send(scope, content)
    shown = {name: headers[name.lower()] for name in _SHOWN if name.lower() in headers}
    return {"id": inner.id, "status": status, "headers": shown, "body": _show_body(shown, body)}


def _refuse(scope: Scope, inner: BatchRequest, word: str) -> dict[str, Any]:
    refusal = deny(word)
    answer = answer_refusal(Request(scope), refusal)
    return {
        "id": inner.id,
        "status": refusal.status,
        "headers": {"Content-Type": "application/json"},
        "body": msgspec.Raw(bytes(answer.body)),
    }


def _write_body(inner: BatchRequest) -> bytes:
    """The body that the request alone would have: JSON, or the bytes that are in base64."""
    if inner.body is None:
        return b""
    kind = next(
        (value for name, value in inner.headers.items() if name.lower() == "content-type"), ""
    )
    if isinstance(inner.body, str) and "json" not in kind.lower():
        data = inner.body.encode()
        # base64url usually comes without the padding that Python insists on.
        return base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))
    return msgspec.json.encode(inner.body)


def _show_body(headers: dict[str, str], body: bytes) -> Any:
    """JSON as it is, anything else in base64, null for no body."""
    if not body:
        return None
    if headers.get("Content-Type", "").startswith("application/json"):
        return msgspec.Raw(body)
    return base64.b64encode(body).decode()


def _make_scope(call: Call, inner: BatchRequest) -> Scope:
    """The request as the server would get it alone."""
    path, _, query = inner.url.partition("?")
    # Addresses in batches are often not encoded at all (documented example).
    raw = quote(f"/{call.version}/{path.lstrip('/')}", safe=_SAFE).encode()
    outer = call.request.scope
    passed = [(name, value) for name, value in outer["headers"] if name.lower() in _PASSED]
    own = [
        (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in inner.headers.items()
        if name.lower() not in _OWN
    ]
    kept = ("type", "app", "asgi", "http_version", "scheme", "root_path", "client", "server")
    # The recorded error bodies inside of one batch share their request ID.
    trace = trace_of(call.request)._replace(now=call.context.clock.now())
    scope = {
        **{name: outer[name] for name in kept if name in outer},
        "method": inner.method,
        "path": raw.decode("latin-1"),
        "raw_path": raw,
        "query_string": quote(query, safe=_SAFE).encode(),
        "headers": passed + own,
    }
    notes = notes_of(scope)
    notes.trace, notes.batched = trace, True
    return scope


async def _send(scope: Scope, content: bytes) -> tuple[int, dict[str, str], bytes]:
    """The answer of the whole application, with the planned faults."""
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await scope["app"](scope, receive, send)
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in messages[0]["headers"]
    }
    content_parts = (message.get("body", b"") for message in messages[1:])
    return messages[0]["status"], headers, b"".join(content_parts)
