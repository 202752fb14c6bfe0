"""
`POST /$batch`: many requests in one, each going the way that it would go alone.

Each is judged, throttled and made to fail by itself; the answer to the batch
is 200 whatever happened inside.
"""

import asyncio
import base64
import binascii
import random
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from entra_emulator.errors import deny
from entra_emulator.graph.batch_envelope import Part, list_waves, read_parts
from entra_emulator.graph.call import Call
from entra_emulator.graph.fault import answer_fault
from entra_emulator.web.context import trace_of
from entra_emulator.web.graph_answers import answer_graph
from entra_emulator.web.request_notes import notes_of

# What an answer inside carries, in the order of the documented example.
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

# The batch's own, for which a request inside has no say.
_OWN = frozenset({"authorization", "content-length", "host", "transfer-encoding"})

# All that may stand in an address, and the sign of what is encoded already.
_SAFE = "%/:@!$&'()*+,;=?"

_PASSED = frozenset({b"authorization", b"host", b"user-agent"})


async def run_batch(call: Call) -> Response:
    """
    `POST /$batch`: the answers, in an order that is not that of the requests.

    The order is drawn from the requests' IDs, so that the same batch is answered in the same
    order; the service promises none.

    Raises:
        GraphFault: 400, the envelope is bad.
    """
    parts = read_parts(call.body)
    answers: dict[str, dict[str, Any]] = {}
    for wave in list_waves(parts):
        done = await asyncio.gather(*(_run_part(call, part, answers) for part in wave))
        answers |= {part.id.casefold(): answer for part, answer in zip(wave, done, strict=True)}
    body = msgspec.json.encode({"responses": _shuffle(parts, list(answers.values()))})
    return answer_graph(call.request, body, media_type="application/json", units=None)


def _shuffle(parts: Sequence[Part], answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    draws = random.Random(" ".join(part.id for part in parts))  # noqa: S311 - chance, not secrecy
    draws.shuffle(answers)
    return answers


async def _run_part(call: Call, part: Part, answers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The answer to one request, as it stands in the batch's."""
    scope = _make_scope(call, part)
    if any(answers[other]["status"] >= 400 for other in part.after):
        return _refuse(scope, part, "dependency_failed")
    if part.url.partition("?")[0].strip("/").lower() == "$batch":
        return _refuse(scope, part, "batch_nested")
    try:
        content = _write_body(part)
    except (binascii.Error, ValueError):
        return _refuse(scope, part, "body_malformed")
    status, headers, body = await _send(scope, content)
    shown = {name: headers[name.lower()] for name in _SHOWN if name.lower() in headers}
    return {"id": part.id, "status": status, "headers": shown, "body": _show_body(shown, body)}


def _refuse(scope: Scope, part: Part, word: str) -> dict[str, Any]:
    fault = deny(word)
    answer = answer_fault(Request(scope), fault)
    return {
        "id": part.id,
        "status": fault.status,
        "headers": {"Content-Type": "application/json"},
        "body": msgspec.Raw(bytes(answer.body)),
    }


def _write_body(part: Part) -> bytes:
    """What would be sent: JSON, or the bytes that base64 stands for."""
    if part.body is None:
        return b""
    kind = next(
        (value for name, value in part.headers.items() if name.lower() == "content-type"), ""
    )
    if isinstance(part.body, str) and "json" not in kind.lower():
        data = part.body.encode()
        return base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))
    return msgspec.json.encode(part.body)


def _show_body(headers: dict[str, str], body: bytes) -> Any:
    """JSON as it is, anything else in base64, nothing as null."""
    if not body:
        return None
    if headers.get("Content-Type", "").startswith("application/json"):
        return msgspec.Raw(body)
    return base64.b64encode(body).decode()


def _make_scope(call: Call, part: Part) -> Scope:
    """The request as the server would have got it alone."""
    path, _, query = part.url.partition("?")
    # Addresses in batches are often not encoded at all (documented example).
    raw = quote(f"/{call.version}/{path.lstrip('/')}", safe=_SAFE).encode()
    outer = call.request.scope
    sent = [(name, value) for name, value in outer["headers"] if name.lower() in _PASSED]
    own = [
        (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in part.headers.items()
        if name.lower() not in _OWN
    ]
    kept = ("type", "app", "asgi", "http_version", "scheme", "root_path", "client", "server")
    # The recorded error bodies inside of one batch share their request ID.
    trace = trace_of(call.request)._replace(now=call.context.clock.now())
    scope = {
        **{name: outer[name] for name in kept if name in outer},
        "method": part.method,
        "path": raw.decode("latin-1"),
        "raw_path": raw,
        "query_string": quote(query, safe=_SAFE).encode(),
        "headers": sent + own,
    }
    notes = notes_of(scope)
    notes.trace, notes.batched = trace, True
    return scope


async def _send(scope: Scope, content: bytes) -> tuple[int, dict[str, str], bytes]:
    """What the whole application answers, faults and all."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await scope["app"](scope, receive, send)
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in sent[0]["headers"]
    }
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])
