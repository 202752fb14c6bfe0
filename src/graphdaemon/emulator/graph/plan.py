"""Which objects a query is about, as far as the store has an index to find them by. Pure."""

from dataclasses import dataclass

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """
    A walk over the store's indices.

    Args:
        order: "seq" (creation order), "name" (displayName) or "key" (the kind's key property).
        descending: from the last to the first.
        low: the least value of the order's column, casefolded; None is open.
        high: the greatest one.
        ids: only these objects, in lower case.
    """

    order: str = "seq"
    descending: bool = False
    low: str | None = None
    high: str | None = None
    ids: tuple[str, ...] | None = None
