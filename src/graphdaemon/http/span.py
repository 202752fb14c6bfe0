"""
Report the beginning and the end of each step to a trace, if there is one.

The attributes of a step never contain a secret, a token, a link or a query.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit

Value = str | int | float
Note = Callable[[str, Value], object]
"""Adds an attribute, by name and value, to a span that has begun."""
Tracer = Callable[[str, Mapping[str, Value]], AbstractContextManager[Note]]
"""Begins a span with a name and attributes; the span ends with the block."""

_GUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}"

_tracers: list[Tracer] = []


@contextmanager
def span(name: str, **attributes: Value) -> Iterator[Note]:
    """
    Report to the trace a step that lasts until the block ends; without a trace do nothing.

    The block gets a function that adds attributes to the step.

    Args:
        name: The name of the step, such as `graph request`.
        attributes: What is known at its beginning. Two underscores in a name stand for a dot.
    """
    if not _tracers:
        yield _forget
        return
    dotted = {key.replace("__", "."): value for key, value in attributes.items()}
    with _tracers[-1](name, dotted) as note:
        yield note


@contextmanager
def traced_by(tracer: Tracer) -> Iterator[None]:
    """Report every step of this process to `tracer` until the block ends."""
    _tracers.append(tracer)
    try:
        yield
    finally:
        _tracers.remove(tracer)


def is_traced() -> bool:
    """Say whether anybody listens; where nobody does, a span need not be described."""
    return bool(_tracers)


def template_of(url: str) -> str:
    """Return the path of an address with `{id}` for each key, and without its query."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    # Everything in quotation marks is a key, even if it contains a slash.
    parts = ("{id}" if number % 2 else part for number, part in enumerate(path.split("'")))
    return "/".join("{id}" if _is_key(part) else part for part in "".join(parts).split("/"))


def _is_key(segment: str) -> bool:
    return "@" in segment or "%40" in segment or re.fullmatch(_GUID, segment) is not None


def _forget(_: str, __: Value) -> None:
    pass
