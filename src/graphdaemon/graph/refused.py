"""Turn an answer by which Graph refuses a request into an error that says what to do."""

import re
from collections.abc import Mapping
from typing import Any

from graphdaemon.errors import GraphError
from graphdaemon.graph.headers import LONGEST_WAIT_S, read_wait
from graphdaemon.graph.links import origin_of, path_of
from graphdaemon.http.response import Response
from graphdaemon.log import redact
from graphdaemon.received.json import decode_object
from graphdaemon.received.text import quote, read_name, shorten

# How many bytes of an answer that is not Graph's are searched for something to quote.
_LONGEST_LOOKED_AT = 16_384
# The members of a JSON object in which services other than Graph put their message.
_SAYING = ("message", "Message", "error_description", "error", "detail", "title")


def explain(
    response: Response,
    url: str,
    *,
    needs: str | None,
    consent_url: str | None,
    token: str | None = None,
    method: str = "GET",
) -> GraphError:
    """
    Return the exception for an answer by which Graph refused a request.

    Args:
        response: The answer, whose status is 300 or more.
        url: The address that was requested; the message names its path.
        needs: The application permission that the request needs, as far as the caller knows.
        consent_url: The page on which an administrator can consent, if it is known.
        token: The access token that was sent. Its roles tell apart refusals that look alike.
        method: The HTTP method of the request.
    """
    # Imported here, because a run without a refusal needs none of these.
    from graphdaemon.diagnosis.advice import advise, locate
    from graphdaemon.diagnosis.graph_refusals import (
        find_answerer,
        find_graph_case,
        name_beyond,
        read_named_role,
    )
    from graphdaemon.diagnosis.permissions import find_need
    from graphdaemon.diagnosis.protected_api import find_values
    from graphdaemon.diagnosis.token_claims import read_claims

    path = path_of(url)
    graph_code, message = _read_error(response.body)
    need = find_need(method, path) if response.status in (401, 403) else None
    claims = read_claims(token) if token is not None else None
    case = find_graph_case(response.status, f"{graph_code} {message}", claims=claims, need=need)
    answerer = find_answerer(response.status, response.headers, response.body, claims)
    if answerer is not None:
        case = "answer_foreign"
    refused = _read_own_refusal(response, claims)
    if refused is not None:
        case, message = refused[0], refused[1] or message
    request_id = read_name(response.headers.get("request-id"))
    said = message or (None if graph_code else _quote_body(response.body))
    values = {
        "role": read_named_role(message or "") or (need.words if need else needs),
        "beyond": name_beyond(path),
        "answerer": answerer,
        "request_id": request_id,
        "message": said,
    }
    if refused is not None:
        values |= find_values(case, message or "")
    advice = advise(case, locate(consent_url, consent_url) | values)
    suggestion = _suggest_property(said or "") if response.status == 400 else None
    return GraphError(
        f"{path}: {_describe(response, graph_code, said, answerer)}",
        code=advice.code,
        status=response.status,
        hint=suggestion or advice.step,
        case=advice.case,
        graph_code=graph_code,
        request_id=request_id,
        retry_after=read_wait(response.headers.get("Retry-After")),
    )


def _describe(
    response: Response, graph_code: str | None, said: str | None, answerer: str | None
) -> str:
    """Return the status, the code and the words of an answer, and then what graphdaemon adds."""
    head = " ".join(filter(None, (str(response.status), graph_code)))
    if answerer:
        head += ", not from Graph"
    wait = read_wait(response.headers.get("Retry-After")) or 0
    is_too_long = response.status == 429 and wait > LONGEST_WAIT_S
    waiting = describe_wait(wait) if is_too_long else None
    words = "; ".join(filter(None, (said, _name_target(response), waiting)))
    return f"{head}: {words}" if words else head


def _suggest_property(words: str) -> str | None:
    """Return the question whether another property was meant than the one Graph does not know."""
    # Quoted in microsoftgraph/microsoft-graph-docs-contrib#4529.
    unknown = re.search(
        r"Could not find a property named '(?P<name>\w{1,100})' "
        r"on type 'microsoft\.graph\.(?P<type>\w{1,100})'",
        words,
    )
    if unknown is None:
        return None
    from graphdaemon.graph.property_types import list_properties
    from graphdaemon.settings.known_names import suggest

    return suggest(unknown["name"], list_properties(unknown["type"]))


def _read_own_refusal(
    response: Response, claims: Mapping[str, Any] | None
) -> tuple[str, str] | None:
    """Return the case and the words of a refusal by an API of one's own; None if it is another."""
    from graphdaemon.diagnosis.protected_api import find_refusal, read_challenge_words

    words = read_challenge_words(response.headers.get_all("WWW-Authenticate"))
    case = find_refusal(response.status, words, decode_object(response.body) or {}, claims)
    return (case, shorten(redact(quote(words)))) if case is not None else None


def _read_error(body: bytes) -> tuple[str | None, str | None]:
    """Return the code and the message of Graph's error; None for what it does not have."""
    error = (decode_object(body) or {}).get("error")
    if not isinstance(error, dict):
        return None, None
    message = error.get("message")
    if isinstance(message, dict):
        # Some services behind Graph send an object instead of a string (seen in go-azure-sdk).
        message = message.get("value")
    text = shorten(redact(message)) if isinstance(message, str) else None
    return read_name(error.get("code")), text or None


def _quote_body(body: bytes) -> str | None:
    """Return the words of an answer that is not Graph's, such as a proxy's, without markup."""
    text = body[:_LONGEST_LOOKED_AT].decode("utf-8", "replace").strip()
    if text.startswith(("{", "[")):
        # JSON may contain anything, such as names of users: only members for messages are shown.
        content = decode_object(body) or {}
        text = next((said for name in _SAYING if isinstance(said := content.get(name), str)), "")
    elif text.startswith("<"):
        # Keep what follows each tag.
        text = " ".join(piece.rpartition(">")[2] for piece in text.split("<"))
    return quote(redact(text)) or None


def _name_target(response: Response) -> str | None:
    """Say to which host an answer redirects; the rest of the address may contain tokens."""
    location = response.headers.get("Location")
    if location is None or not 300 <= response.status < 400:
        return None
    try:
        scheme, _, host = origin_of(location).partition("://")
    except ValueError:
        return "it redirects to an invalid address"
    target = f"{scheme}://{host}" if scheme and host else host or "another path of the same host"
    return f"it redirects to {quote(target, 100)}"


def describe_wait(wait: float) -> str:
    """Return the words for a wait that is too long, in seconds."""
    return (
        f"it asks to wait for {wait:,.0f} s, and graphdaemon waits for {LONGEST_WAIT_S:.0f} s "
        "at most"
    )
