"""
Where a trace is told what begins and ends; nothing happens unless somebody traces.

What is told names things and never says what is in them: no secret, token, link or query.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit

Value = str | int | float
Note = Callable[[str, Value], object]
"""Adds something to a span that has begun."""
Tracer = Callable[[str, Mapping[str, Value]], AbstractContextManager[Note]]
"""Begins a span of a name with these attributes."""

_GUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}"

_tracers: list[Tracer] = []


@contextmanager
def span(name: str, **attributes: Value) -> Iterator[Note]:
    """
    Tell that something begins, and at the end of the block that it has ended.

    Args:
        name: What it is.
        attributes: What of; two `_` in a name stand for a dot.
    """
    if not _tracers:
        yield _forget
        return
    dotted = {key.replace("__", "."): value for key, value in attributes.items()}
    with _tracers[-1](name, dotted) as note:
        yield note


@contextmanager
def traced_by(tracer: Tracer) -> Iterator[None]:
    """Tell a tracer everything that happens in this process until the block ends."""
    _tracers.append(tracer)
    try:
        yield
    finally:
        _tracers.remove(tracer)


def template_of(url: str) -> str:
    """Return the path of an address with `{id}` for each key, and without its query."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    # What stands in quotation marks is a key, whatever is in it.
    parts = ("{id}" if number % 2 else part for number, part in enumerate(path.split("'")))
    return "/".join("{id}" if _is_key(part) else part for part in "".join(parts).split("/"))


def _is_key(segment: str) -> bool:
    return "@" in segment or "%40" in segment or re.fullmatch(_GUID, segment) is not None


def _forget(_: str, __: Value) -> None:
    pass
