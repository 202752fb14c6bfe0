"""Listings of a pretend directory, and what they should have brought."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from graphdaemon.errors import Error
from graphdaemon.graph.catalog import find_collection
from graphdaemon.graph.query import Query
from graphdaemon.listing.listing import Listing
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.record import ListingRecord, Progress
from graphdaemon.listing.run import collect
from graphdaemon.listing.target import Target
from tests.support import virtual_time
from tests.support.pretend_graph import ROOT, Collation, PretendGraph, Record


def accents_aside(text: str) -> str:
    """Case and accents make no difference."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def letters_alone(text: str) -> str:
    """A culture's order: accents and what is no letter or digit make no difference."""
    plain = accents_aside(text.replace("ß", "ss"))
    return "".join(sign for sign in plain if sign.isalnum()) or plain


def backwards(text: str) -> str:
    """From the last sign to the first."""
    return text.casefold()[::-1]


def by_digest(text: str) -> bytes:
    """An order that nobody can guess, though a total one."""
    return sha256(text.casefold().encode("utf-8", "surrogatepass")).digest()


COLLATIONS: tuple[Collation, ...] = (
    *(str, str.casefold, str.casefold, accents_aside),
    *(backwards, by_digest, len),
)


@dataclass
class Outcome:
    """
    What a listing did.

    Attributes:
        record: Its account; None where it failed.
        error: Its failure.
        written: What it wrote, by ID, after corrections.
        twice: IDs it wrote more than once.
        seconds: How long it took, in virtual time.
        progress: Everything it said meanwhile.
    """

    record: ListingRecord | None = None
    error: Error | None = None
    written: dict[str, Record] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)
    seconds: float = 0
    progress: list[Progress] = field(default_factory=list)

    def write(self, records: Sequence[msgspec.Raw]) -> None:
        for record in records:
            decoded = json.loads(bytes(record))
            if decoded["id"] in self.written:
                self.twice.append(decoded["id"])
            self.written[decoded["id"]] = decoded

    def correct(self, corrections: Mapping[str, msgspec.Raw | None]) -> None:
        for key, record in corrections.items():
            assert key in self.written, "only what was written can be corrected"
            if record is None:
                del self.written[key]
            else:
                self.written[key] = json.loads(bytes(record))

    @property
    def proved(self) -> ListingRecord:
        """The account of a listing that did not fail."""
        assert self.error is None, self.error
        assert self.record is not None, "it has one"
        return self.record


def list_world(
    world: PretendGraph,
    query: Query | None = None,
    options: ListingOptions | None = None,
    *,
    correcting: bool = True,
    watch: Callable[[], None] = lambda: None,
    defaults: tuple[str, ...] = (),
    **connection: Any,
) -> Outcome:
    """
    List a pretend directory from the beginning to the end, in no time.

    ``watch`` is called after each page that was written; what it raises ends the listing.
    ``defaults`` are the properties that a list is known to show by default.
    """
    outcome = Outcome()

    def write(records: Sequence[msgspec.Raw]) -> None:
        outcome.write(records)
        watch()

    async def work() -> None:
        started = virtual_time.now()
        try:
            chosen = options or ListingOptions()
            target = Target(
                world.graph(**connection),
                ROOT,
                find_collection(world.collection),
                query or Query(),
                page_size=chosen.page_size,
                defaults=defaults,
            )
            outcome.record = await collect(
                Listing(target, chosen),
                write=write,
                correct=outcome.correct if correcting else None,
                on_progress=outcome.progress.append,
                seconds=chosen.seconds,
            )
        except Error as error:
            outcome.error = error
        outcome.seconds = virtual_time.now() - started

    virtual_time.run(work())
    return outcome


SMALL = ListingOptions(page_size=20)


def people(number: int, name: Callable[[int], str] = "u{:06d}".format) -> list[Record]:
    return [{"userPrincipalName": name(at), "displayName": f"N{at}"} for at in range(number)]


def scattered(number: int) -> list[Record]:
    """Names in no order, as a tenant gathers them."""
    draws = random.Random(number)
    return people(number, lambda at: f"{draws.choice('abdeghjklmnprst')}{draws.random()}-{at}")


def assert_complete(outcome: Outcome, world: PretendGraph) -> None:
    assert outcome.proved.verdict == "complete", outcome.proved.why
    assert outcome.written == world.shown()
    assert outcome.twice == []
