"""How a listing is made."""

from pathlib import Path
from typing import Literal, NamedTuple

from graphdaemon.graph.query import PAGE_SIZE, Query


class ListingOptions(NamedTuple):
    """
    How a listing is made. The defaults suit every directory.

    Attributes:
        method: `auto` tries ranges first, then prefixes if they certainly cover everything or no
            proof is required, and then one chain. `ranges`, `prefixes` and `chain` force one of
            them.
        chains: How many chains of pages to read at the same time.
        page_size: How many records to request in a page.
        seconds: Give up after this many seconds, by default a day; None never gives up.
        learn: Remember where to divide the collection the next time, in the user's cache folder.
        plan: Remember it in this file instead.
        expand: The related objects to read for each record, such as `("manager", "memberOf")`.
        confirm: Read everything a second time, in one chain, if the service's count disagrees.
        journal: A file that keeps what was read, so that an interrupted listing can be resumed.
        owner: Whose directory it is, such as the authority. The journal of another directory is
            refused.
        proved: Prove that the listing is complete. False only reads the pages once.
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
