"""The parts of a `$batch` answer, and the errors in them."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple


class BatchPart(NamedTuple):
    """
    The answer to one part of a batch.

    Attributes:
        part: Its `id`.
        status: The HTTP status.
        words: Graph's code and message, or the beginning of another body.
        code: Graph's error code, if it has one.
    """

    part: str
    status: int
    words: str
    code: str | None


def read_batch_answer(text: str) -> list[BatchPart]:
    """Return the parts of the answer that `text` is or holds; none if it is none."""
    if '"responses"' not in text:
        return []
    begin = text.rfind("{", 0, text.index('"responses"'))
    try:
        content, _ = json.JSONDecoder().raw_decode(text, begin)
    except (ValueError, RecursionError):
        return []
    responses = content.get("responses") if isinstance(content, dict) else None
    return list(_read_parts(responses if isinstance(responses, list) else []))


def _read_parts(responses: list[Any]) -> Iterator[BatchPart]:
    for response in responses:
        status = response.get("status") if isinstance(response, dict) else None
        if not isinstance(status, int) or isinstance(status, bool):
            continue
        body = response.get("body")
        error = body.get("error") if isinstance(body, dict) else None
        code = error.get("code") if isinstance(error, dict) else None
        words = f"{code} {error.get('message')}" if isinstance(error, dict) else str(body)[:200]
        yield BatchPart(
            str(response.get("id")), status, words, code if isinstance(code, str) else None
        )
