"""Who may use the control API, and the form of its bodies and answers."""

import ipaddress
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from entra_emulator.web.context import LOOPBACK_NAMES, host_name, origin_of

# Every order is short, and a longer body must not fill the memory.
BODY_LIMIT = 65_536

_S = TypeVar("_S", bound=msgspec.Struct)


class ControlRefusal(Exception):  # noqa: N818 - a refusal, not an error of ours
    """The control API refuses a request."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def guard(app: ASGIApp) -> ASGIApp:
    """Refuse other machines, other host names than loopback ones, and other sites' pages."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            refusal = _find_intrusion(request)
            if refusal is not None:
                await answer_refusal(request, refusal)(scope, receive, send)
                return
        await app(scope, receive, send)

    return answer


def _find_intrusion(request: Request) -> ControlRefusal | None:
    # Where the emulator listens on other addresses too, the controls stay this machine's.
    peer = request.client.host if request.client else ""
    try:
        is_local = ipaddress.ip_address(peer).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        return ControlRefusal(403, "forbidden", "the control API is for this machine only")
    # A page whose own name was made to lead here (DNS rebinding) sends that name.
    if host_name(request.headers.get("host", "")) not in LOOPBACK_NAMES:
        return ControlRefusal(403, "forbidden", "the control API is at localhost or 127.0.0.1")
    # Browsers say whose page it is that asks; programs send neither header.
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in {None, "same-origin", "none"} or origin not in {None, origin_of(request)}:
        return ControlRefusal(403, "forbidden", "the control API is not for other sites' pages")
    return None


async def read_body(request: Request, kind: type[_S]) -> _S:
    """
    The JSON body as a value of that type; an empty body counts as `{}`.

    Raises:
        ControlRefusal: 400 for another body, 413 for a large one, 415 for another content type.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        # Counted as it comes: a Content-Length may be missing, or wrong.
        if len(body) > BODY_LIMIT:
            raise ControlRefusal(413, "too_large", f"a body has at most {BODY_LIMIT} bytes")
    # A page of another site can post forms, but not this type.
    if body and request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise ControlRefusal(415, "unsupported_media_type", "the body must be application/json")
    try:
        return msgspec.convert(_unify_numbers(msgspec.json.decode(body or b"{}")), kind)
    # Lists nested thousands deep exhaust the decoder's stack.
    except (msgspec.DecodeError, RecursionError) as error:
        raise ControlRefusal(400, "bad_request", str(error)) from error


def _unify_numbers(value: Any) -> Any:
    """The value with 3 for 3.0, which JSON Schema calls an integer, too."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_unify_numbers(item) for item in value]
        case dict():
            return {name: _unify_numbers(item) for name, item in value.items()}
        case _:
            return value


def read_query(request: Request, kind: type[_S]) -> _S:
    """
    The query string as a value of that type.

    Raises:
        ControlRefusal: 400, there is no such name, it has no such value, or stands there twice.
    """
    texts: dict[str, str] = {}
    for name, text in request.query_params.multi_items():
        # If a misspelt filter was ignored, the log would show entries that nobody asked for.
        if name not in kind.__struct_fields__:
            known = ", ".join(kind.__struct_fields__)
            raise ControlRefusal(400, "bad_request", f"{name}={text!r}: there are {known}")
        if name in texts:
            raise ControlRefusal(400, "bad_request", f"{name} stands there twice")
        texts[name] = text
    try:
        return msgspec.convert(texts, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ControlRefusal(400, "bad_request", str(error)) from error


def answer_json(content: Any, *, status: int = 200) -> Response:
    """An answer of the control API."""
    # An answer may be out of date a moment later, so nobody may cache it; and no browser may guess
    # that it is a page.
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(msgspec.json.encode(content) + b"\n", status, headers, "application/json")


def answer_refusal(_: Request, refusal: Exception) -> Response:
    """The answer to a refused request: the code and the reason."""
    assert isinstance(refusal, ControlRefusal)
    error = {"code": refusal.code, "message": str(refusal)}
    return answer_json({"error": error}, status=refusal.status)


def answer_unrouted(request: Request, error: Exception) -> Response:
    """The answer to a request for a control, or with a method, that does not exist."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        refusal = ControlRefusal(405, "method_not_allowed", f"not with {request.method}")
        answer = answer_refusal(request, refusal)
        answer.headers.update(error.headers or {})
        return answer
    refusal = ControlRefusal(404, "not_found", "GET /_emulator/ lists what there is")
    return answer_refusal(request, refusal)


def answer_failure(request: Request, _: Exception) -> Response:
    """The answer to a bug of ours; Starlette raises it again, so that the log shows it."""
    return answer_refusal(request, ControlRefusal(500, "internal", "a bug of the emulator"))
