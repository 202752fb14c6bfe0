"""
The envelope of a batch: which requests are in it, and in what order they run.

Source: "Combine multiple HTTP requests using JSON batching".
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from entra_emulator.errors import deny

# "JSON batch requests are currently limited to 20 individual requests."
MOST = 20

_WITH_BODY = frozenset({"POST", "PATCH", "PUT"})


class BatchRequest(NamedTuple):
    """
    One request of a batch.

    Args:
        id: its answer carries the same one, as a text.
        method: in capitals.
        url: the address below the version, with or without a slash in front.
        headers: its own, by the names that were sent.
        body: JSON, or a text in base64 when the content type is not JSON; None without one.
        after: the IDs, casefolded, of the requests that must have succeeded before it.
    """

    id: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    after: tuple[str, ...]


def read_requests(payload: Any) -> list[BatchRequest]:
    """
    The requests of a batch, in the order of the envelope.

    Raises:
        GraphRefusal: 400, the envelope is bad as a whole.
    """
    items = payload.get("requests") if isinstance(payload, dict) else None
    if not isinstance(items, list) or not items:
        raise deny("batch_malformed")
    if len(items) > MOST:
        raise deny("batch_many")
    requests: dict[str, BatchRequest] = {}
    for item in items:
        request = _read_request(item)
        # IDs that differ in the case of letters alone are the same (documented).
        if request.id.casefold() in requests:
            raise deny("batch_repeated", id=request.id)
        # Requests depend on earlier ones only, which rules out circles as well.
        if any(other not in requests for other in request.after):
            raise deny("batch_dependency", id=request.id)
        requests[request.id.casefold()] = request
    return list(requests.values())


def list_waves(requests: Sequence[BatchRequest]) -> list[list[BatchRequest]]:
    """
    The requests in waves: those of one wave run side by side, the waves one after the other.

    Raises:
        GraphRefusal: 400, the requests neither run all side by side, nor each after the one before,
            nor all after the first.
    """
    # The service knows these three patterns, and resolves no other order (documented).
    if not any(request.after for request in requests):
        return [list(requests)]
    first, rest = requests[0], requests[1:]
    before = [request.after for request in rest]
    if not first.after and before == [(request.id.casefold(),) for request in requests[:-1]]:
        return [[request] for request in requests]
    if not first.after and set(before) == {(first.id.casefold(),)}:
        return [[first], list(rest)]
    raise deny("batch_mixed")


def _read_request(item: Any) -> BatchRequest:
    if not isinstance(item, dict):
        raise deny("batch_malformed")
    key, method, url = _read_id(item.get("id")), item.get("method"), item.get("url")
    headers, after = item.get("headers") or {}, item.get("dependsOn") or []
    after = [_read_id(other) for other in after] if isinstance(after, list) else after
    texts = isinstance(key, str) and isinstance(method, str) and isinstance(url, str)
    if not (texts and key and method and url and _holds_texts(headers, after)):
        raise deny("batch_malformed")
    method = method.upper()
    if method in _WITH_BODY:
        # `"body": {}` is a body; DELETE needs none (documented example).
        if "body" not in item:
            raise deny("batch_bodyless", id=key)
        if not any(name.lower() == "content-type" for name in headers):
            raise deny("batch_untyped", id=key)
    others = tuple(dict.fromkeys(other.casefold() for other in after))
    return BatchRequest(key, method, url, headers, item.get("body"), others)


def _read_id(value: Any) -> Any:
    """An ID as a text; CLI for Microsoft 365 and modules of PowerShell send whole numbers."""
    # In Python `True` is a number too; in JSON it is none.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _holds_texts(headers: Any, after: Any) -> bool:
    if not isinstance(headers, dict) or not isinstance(after, list):
        return False
    texts: Collection[Any] = (*headers.values(), *after)
    return all(isinstance(text, str) for text in texts)
