"""Listings: chains of pages, which of them were left early, and which had too many."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from entra_emulator.graph.query.options import DEFAULT_PAGE, MAX_PAGE
from entra_emulator.graph.query.sign_in_activity import MOST as MOST_WITH_ACTIVITY
from entra_emulator.graph.query.sign_in_activity import NAME as ACTIVITY
from entra_emulator.traffic.report.finding import Finding
from entra_emulator.traffic.report.logged_call import LoggedCall


@dataclass
class Chain:
    """
    The pages of one listing, as far as they were read.

    Args:
        first: the request that began it.
        pages: how many were read.
        items: how many objects were on them.
        next_link: digest of the link on the last one; empty at the end.
    """

    first: LoggedCall
    pages: int = 0
    items: int = 0
    next_link: bytes = b""
    followed: set[bytes] = field(default_factory=set)

    def add(self, page: LoggedCall) -> None:
        """Read a page; one that was read before, and came again, counts once."""
        if page.address in self.followed:
            return
        self.followed.add(page.address)
        self.pages += 1
        self.items += page.items or 0
        self.next_link = page.next_link


def list_chains(calls: Iterable[LoggedCall]) -> list[Chain]:
    """The listings among the calls, which are in the order of their beginnings."""
    chains: list[Chain] = []
    awaiting: dict[tuple[bytes, str], Chain] = {}
    for call in calls:
        if call.items is None or call.refused:
            continue
        app_id = call.caller.app_id if call.caller else ""
        chain = awaiting.get((call.address, app_id))
        if chain is None:
            chain = Chain(call)
            chains.append(chain)
        chain.add(call)
        if call.next_link:
            awaiting[call.next_link, app_id] = chain
    return chains


def find_unread(chains: Sequence[Chain]) -> list[Finding]:
    """A finding for each route with listings that were left before their last page."""
    return [
        Finding(
            "unread-pages",
            subject,
            f"left {_count(len(left), 'listing')} after {_count(_sum_pages(left), 'page')} with "
            "a next link on the last one",
            "Follow @odata.nextLink until an answer has none: $top is the size of a page, and no "
            "answer says that it is everything but one without a next link.",
            len(left),
            app_id,
        )
        for (subject, app_id), left in _group(_list_left(chains)).items()
    ]


def find_small(chains: Sequence[Chain]) -> list[Finding]:
    """A finding for each route with listings that fewer pages would have held."""
    small = [chain for chain in chains if _count_fewest(chain) < chain.pages]
    return [
        Finding(
            "small-pages",
            subject,
            f"read {_count(_sum_pages(several), 'page')} where "
            f"{_count(sum(map(_count_fewest, several)), 'page')} of {_find_most(several[0]):,} "
            f"would do ({_describe_size(several)})",
            f"Ask for $top={_find_most(several[0])}.",
            len(several),
            app_id,
        )
        for (subject, app_id), several in _group(small).items()
    ]


def _list_left(chains: Sequence[Chain]) -> list[Chain]:
    """
    The chains without an end.

    But for those that were begun again and then read to theirs, and for those that asked for one
    object: they try whether there is any, or whether they may.
    """
    ended = {
        (chain.first.address, chain.first.caller): chain.first.started
        for chain in chains
        if not chain.next_link
    }
    return [
        chain
        for chain in chains
        if chain.next_link
        and (chain.pages, chain.first.top) != (1, 1)
        and ended.get((chain.first.address, chain.first.caller), -1.0) < chain.first.started
    ]


def _count_fewest(chain: Chain) -> int:
    """How many pages would have held what was read; as many as there were, if that is fixed."""
    # Delta pages have a size of their own, and so have answers that are not paged by $top.
    if chain.first.route.endswith("/delta") or chain.pages < 2:
        return chain.pages
    return max(1, math.ceil(chain.items / _find_most(chain)))


def _find_most(chain: Chain) -> int:
    names = {*(chain.first.properties or ()), *chain.first.filtered}
    return MOST_WITH_ACTIVITY if ACTIVITY in names else MAX_PAGE


def _describe_size(chains: Sequence[Chain]) -> str:
    sizes = {f"$top={c.first.top}" if c.first.top else f"{DEFAULT_PAGE} by default" for c in chains}
    return ", ".join(sorted(sizes))


def _group(chains: Iterable[Chain]) -> dict[tuple[str, str], list[Chain]]:
    groups: dict[tuple[str, str], list[Chain]] = defaultdict(list)
    for chain in chains:
        caller = chain.first.caller
        subject = f"{chain.first.method} {chain.first.route}"
        groups[subject, caller.app_id if caller else ""].append(chain)
    return groups


def _sum_pages(chains: Sequence[Chain]) -> int:
    return sum(chain.pages for chain in chains)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
