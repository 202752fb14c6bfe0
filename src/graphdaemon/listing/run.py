"""
Run one complete listing within a time limit, and return the record that proves it.

    target = Target(graph, root, CATALOG["users"], Query())
    record = await collect(Listing(target), write=writer.write)
    sys.exit(record.exit_code)
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Protocol

import msgspec

from graphdaemon.errors import Error, UnprovedError
from graphdaemon.listing.record import Corrections, ListingRecord, OnProgress, Progress


class AnyListing(Protocol):
    """A listing of Graph (`listing`), or of your own API (`own_api`)."""

    record: ListingRecord
    corrections: Corrections

    @property
    def link(self) -> str | None:
        """The delta link for all later changes, after `finish`; None if there is none."""

    def batches(self) -> AsyncGenerator[Sequence[msgspec.Raw]]:
        """Yield every record once, some at a time."""

    def finish(self, *, corrected: bool = True) -> ListingRecord:
        """Reach the verdict; `corrected` says whether `corrections` were applied."""

    def fail(self, error: Error) -> None:
        """Complete the listing record after `error` has ended the listing."""

    def progress(self) -> Progress:
        """Return the progress."""


async def collect(
    listing: AnyListing,
    *,
    write: Callable[[Sequence[msgspec.Raw]], None],
    correct: Callable[[Corrections], None] | None = None,
    on_progress: OnProgress | None = None,
    seconds: float | None = None,
) -> ListingRecord:
    """
    Run `listing`, and return its listing record.

    Args:
        listing: What to list, and how.
        write: Is called with every record once, several at a time, as the bytes that were sent.
            They have no particular order unless the query requests one.
        correct: Is called once at the end with corrections of records that were written. Without
            it, such corrections make the verdict `unproved`.
        on_progress: Is called with the progress after each page, and twice a second.
        seconds: Give up after this many seconds; None never gives up.

    Raises:
        Error: The listing failed. What was written is incomplete. Its `listing` is the record.
    """
    with accounting(listing):
        async with (
            _reporting(listing, on_progress),
            aclosing(read_within(listing, seconds)) as batches,
        ):
            async for records in batches:
                write(records)
                if on_progress is not None:
                    on_progress(listing.progress())
        if listing.corrections and correct is not None:
            correct(listing.corrections)
        return listing.finish(corrected=correct is not None or not listing.corrections)


async def read_within(
    listing: AnyListing, seconds: float | None
) -> AsyncGenerator[Sequence[msgspec.Raw]]:
    """
    Yield what `listing.batches` yields, for at most `seconds`, including the consumer's time.

    Raises:
        Error: What `listing.batches` raises.
        UnprovedError: The listing took longer.
    """
    end = None if seconds is None else asyncio.get_running_loop().time() + seconds
    async with aclosing(listing.batches()) as batches:
        while True:
            # Not around the yield: what the consumer does meanwhile must not be broken off.
            timeout = asyncio.timeout_at(end)
            try:
                async with timeout:
                    records = await anext(batches, None)
            except TimeoutError:
                if not timeout.expired():
                    raise  # it comes from below, and is not about `seconds`
                raise _overdue(seconds) from None
            if records is None:
                return
            yield records


@contextlib.contextmanager
def accounting(listing: AnyListing) -> Iterator[None]:
    """Attach the listing record to an error that ends the listing."""
    try:
        yield
    except Error as error:
        listing.fail(error)
        error.listing = listing.record
        raise


@contextlib.asynccontextmanager
async def _reporting(listing: AnyListing, on_progress: OnProgress | None) -> AsyncGenerator[None]:
    """Report the progress twice a second, even while nothing arrives."""
    if on_progress is None:
        yield
        return

    async def report() -> None:
        while True:
            on_progress(listing.progress())
            await asyncio.sleep(0.5)

    task = asyncio.create_task(report())
    try:
        yield
    finally:
        task.cancel()
        on_progress(listing.progress())


def _overdue(seconds: float | None) -> UnprovedError:
    return UnprovedError(
        f"the listing was not finished after {seconds:g} s",
        code="listing_overdue",
        hint="Allow more time with --within, or use --resume so that it can continue where it "
        "stopped.",
    )
