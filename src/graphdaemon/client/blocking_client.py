"""The library for scripts and notebooks: what `Client` does, without async."""

import functools
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar

from graphdaemon.client.client import Client
from graphdaemon.client.synchronous import iterate, wait
from graphdaemon.output.arrow.pyarrow_import import load_pyarrow
from graphdaemon.settings.model import Settings

if TYPE_CHECKING:
    import pyarrow as pa

P = ParamSpec("P")
T = TypeVar("T")


def _wait(
    method: Callable[Concatenate[Client, P], Awaitable[T]],
) -> "Callable[Concatenate[BlockingClient, P], T]":
    """Turn a method of `Client` into one that returns when it is done."""

    @functools.wraps(method)
    def call(client: "BlockingClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return wait(method(client.awaited, *args, **kwargs))

    return call


def _iterate(
    method: Callable[Concatenate[Client, P], AsyncIterator[T]],
) -> "Callable[Concatenate[BlockingClient, P], Generator[T]]":
    """Turn a method of `Client` into one that returns a plain generator."""

    @functools.wraps(method)
    def call(client: "BlockingClient", /, *args: P.args, **kwargs: P.kwargs) -> Generator[T]:
        return iterate(method(client.awaited, *args, **kwargs))

    return call


def _read(
    method: "Callable[Concatenate[Client, P], AsyncIterator[pa.RecordBatch]]",
) -> "Callable[Concatenate[BlockingClient, P], pa.RecordBatchReader]":
    """Turn a method of `Client` into one that returns a reader, after the first batch was read."""

    @functools.wraps(method)
    def call(
        client: "BlockingClient", /, *args: P.args, **kwargs: P.kwargs
    ) -> "pa.RecordBatchReader":
        batches = iterate(method(client.awaited, *args, **kwargs))
        first = next(batches)
        reader = load_pyarrow().RecordBatchReader
        return reader.from_batches(first.schema, itertools.chain([first], batches))

    return call


class BlockingClient:
    """
    A `Client` whose methods return when they are done, and whose iterators are ordinary ones.

    It also works inside a notebook, because the work is done on a thread of its own. Close it, or
    use `with`. An iterator that is left unfinished does not keep a program from ending.

    Args:
        client: The client that `load` returned.

    Attributes:
        awaited: That client.
        settings: Its settings.

    Example:
        .. code-block:: python

            with graphdaemon.load("parameters.json") as client:
                for user in client.list("users", select="displayName,mail"):
                    print(user["displayName"])
    """

    list = _iterate(Client.list)
    pages = _iterate(Client.pages)
    table = _wait(Client.table)
    record_batches = _read(Client.record_batches)
    collect = _wait(Client.collect)
    changes = _wait(Client.changes)
    get = _wait(Client.get)
    report = _wait(Client.report)

    def __init__(self, client: Client) -> None:
        self.awaited = client

    @property
    def settings(self) -> Settings:
        """The settings of the client."""
        return self.awaited.settings

    def close(self) -> None:
        """Close every connection."""
        self.awaited.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
