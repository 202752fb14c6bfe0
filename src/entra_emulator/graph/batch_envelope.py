"""
The envelope of a batch: which requests are in it, and in what order they run. Pure.

Source: "Combine multiple HTTP requests using JSON batching". Texts are in `denial`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from entra_emulator.errors import deny

# "JSON batch requests are currently limited to 20 individual requests."
MOST = 20

_WITH_BODY = frozenset({"POST", "PATCH", "PUT"})


class Part(NamedTuple):
    """
    One request of a batch.

    Args:
        id: what its answer is known by.
        method: in capitals.
        url: below the version, with or without a slash in front.
        headers: its own.
        body: JSON, or base64 when its type says so; None without one.
        after: the requests that must have succeeded before.
    """

    id: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    after: tuple[str, ...]


def read_parts(payload: Any) -> list[Part]:
    """
    The requests of a batch, in the order of the envelope.

    Raises:
        GraphFault: 400, the envelope is bad as a whole.
    """
    items = payload.get("requests") if isinstance(payload, dict) else None
    if not isinstance(items, list) or not items:
        raise deny("batch_malformed")
    if len(items) > MOST:
        raise deny("batch_many")
    parts: dict[str, Part] = {}
    for item in items:
        part = _read_part(item)
        if part.id.casefold() in parts:
            raise deny("batch_repeated", id=part.id)
        if any(other not in parts for other in part.after):
            raise deny("batch_dependency", id=part.id)
        parts[part.id.casefold()] = part
    return list(parts.values())


def list_waves(parts: Sequence[Part]) -> list[list[Part]]:
    """
    The requests that run side by side, one wave after the other.

    Raises:
        GraphFault: 400, they are neither all parallel, nor one after the other, nor all
            behind the same one.
    """
    if not any(part.after for part in parts):
        return [list(parts)]
    first, rest = parts[0], parts[1:]
    before = [part.after for part in rest]
    if not first.after and before == [(part.id.casefold(),) for part in parts[:-1]]:
        return [[part] for part in parts]
    if not first.after and set(before) == {(first.id.casefold(),)}:
        return [[first], list(rest)]
    raise deny("batch_mixed")


def _read_part(item: Any) -> Part:
    if not isinstance(item, dict):
        raise deny("batch_malformed")
    key, method, url = (item.get(name) for name in ("id", "method", "url"))
    headers, after = item.get("headers") or {}, item.get("dependsOn") or []
    texts = isinstance(key, str) and isinstance(method, str) and isinstance(url, str)
    if not (texts and key and method and url and _holds_texts(headers, after)):
        raise deny("batch_malformed")
    method = method.upper()
    if method in _WITH_BODY:
        # `"body": {}` is one; DELETE needs none (documented example).
        if "body" not in item:
            raise deny("batch_bodyless", id=key)
        if not any(name.lower() == "content-type" for name in headers):
            raise deny("batch_untyped", id=key)
    others = tuple(dict.fromkeys(other.casefold() for other in after))
    return Part(key, method, url, headers, item.get("body"), others)


def _holds_texts(headers: Any, after: Any) -> bool:
    if not isinstance(headers, dict) or not isinstance(after, list):
        return False
    texts: Collection[Any] = (*headers.values(), *after)
    return all(isinstance(text, str) for text in texts)
