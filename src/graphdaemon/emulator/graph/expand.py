"""`$expand`: which related objects to show inside an object. Pure."""

from dataclasses import dataclass

__all__ = ["Expand"]


@dataclass(frozen=True, slots=True)
class Expand:
    """
    One navigation property to expand.

    Args:
        navigation: its canonical name, e.g. `manager`.
        select: the properties to show of each related object; None shows the default set.
        levels: how far to follow `manager`; 0 is to the top.
    """

    navigation: str
    select: tuple[str, ...] | None = None
    levels: int = 1
