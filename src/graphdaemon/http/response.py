"""An HTTP answer, as the transport returns it."""

from collections.abc import Iterable
from typing import NamedTuple, overload


class Headers:
    """
    The headers of an answer, in their order. The case of a name does not matter.

    Args:
        pairs: Name and value of each header.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = tuple(pairs)
        self._values: dict[str, list[str]] = {}
        for name, value in self._pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a header, or `default` if there is none."""
        values = self._values.get(name.lower())
        return values[0] if values else default

    def get_all(self, name: str) -> list[str]:
        """Return all values of a header, in their order; empty if it is absent."""
        return list(self._values.get(name.lower(), ()))

    def items(self) -> tuple[tuple[str, str], ...]:
        """Return name and value of each header, in their order, as they were sent."""
        return self._pairs


class Response(NamedTuple):
    """A whole answer: its status, its headers, and its decompressed body."""

    status: int
    headers: Headers
    body: bytes
