"""How a listing is made."""

from pathlib import Path
from typing import Literal, NamedTuple

from graphdaemon.graph.query import PAGE_SIZE, Query


class ListingOptions(NamedTuple):
    """
    How a listing is made; the defaults suit every directory.

    Attributes:
        method: `auto` tries ranges, then prefixes where they are certain to cover everything or
            nothing has to be proved, then one chain. `ranges`, `prefixes` and `chain` force one.
        chains: Chains of pages to read at a time.
        page_size: Records to ask for in a page.
        seconds: Give up after this long, by default a day; None never gives up.
        learn: Keep where to divide the collection next time, in the user's cache folder.
        plan: Keep it in this file instead.
        expand: What to read for each record besides, such as `("manager", "memberOf")`.
        confirm: Read a second time, in one chain, where the service's count disagrees.
        journal: File that keeps what was read, so that a listing that was stopped can go on.
        owner: Whose directory it is, such as the authority: the journal of another is refused.
        proved: Prove that the listing is complete; False makes one pass over the pages and no more.
    """

    method: Literal["auto", "ranges", "prefixes", "chain"] = "auto"
    chains: int = 32
    page_size: int = PAGE_SIZE
    seconds: float | None = 86_400
    learn: bool = True
    plan: Path | None = None
    expand: tuple[str, ...] = ()
    confirm: bool = True
    journal: Path | None = None
    owner: str = ""
    proved: bool = True


def describe(query: Query, options: ListingOptions) -> dict[str, str]:
    """Return what was asked for, as `ListingRecord.query` has it."""
    expand = {"with": ",".join(options.expand)} if options.expand else {}
    return query.describe() | expand
