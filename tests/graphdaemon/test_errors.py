"""Errors and values go where a program sends them: into another process, into a copy."""

import copy
import importlib
import inspect
import multiprocessing
import pickle
import pkgutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import msgspec
import pytest

import graphdaemon
from graphdaemon.client.changes import RecordChange, Round
from graphdaemon.client.client import Client
from graphdaemon.errors import Error, GraphError, OutputClosedError, UnprovedError
from graphdaemon.graph.links import DeltaLink
from graphdaemon.graph.page import Page
from graphdaemon.graph.query import Query
from graphdaemon.listing.changes import Link
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.record import ListingRecord, Progress, Replay
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from tests.support.scripted_server import ScriptedServer

RECORD = ListingRecord(
    "users", {"limit": "3"}, "2026-03-01T09:10:11Z", replay=Replay(rounds=2), notes=["a note"]
)

ROUND = Round(
    [RecordChange("1", {"id": "1"}, "", {"members": [Link("2", "user", removed=True)]})],
    DeltaLink("https://graph.test/v1.0/groups/delta?$deltatoken=x"),
)


def pickle_with(protocol: int) -> Callable[[Any], Any]:
    return lambda value: pickle.loads(pickle.dumps(value, protocol))


COPIES: dict[str, Callable[[Any], Any]] = {
    # The first two protocols know no slots.
    **{f"pickle-{number}": pickle_with(number) for number in range(2, pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def load_all_modules() -> None:
    for module in pkgutil.walk_packages(graphdaemon.__path__, "graphdaemon."):
        if module.name == "graphdaemon.__main__":
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            # Half a gigabyte, which lives with the peers.
            if error.name is None or not error.name.startswith("pyspark"):
                raise


def descend(kind: type[BaseException]) -> list[type[BaseException]]:
    return [kind, *(one for child in kind.__subclasses__() for one in descend(child))]


def list_error_kinds() -> list[type[BaseException]]:
    """Every exception that is defined anywhere in the client."""
    load_all_modules()
    kinds = {one for one in descend(Exception) if one.__module__.startswith("graphdaemon")}
    return sorted(kinds, key=lambda kind: kind.__name__)


# A value that is not the default, for each type that an error is made with.
SAMPLES: dict[object, object] = {
    str: "what happened: \x1b[31m \ud800",
    str | None: "a text",
    int: 403,
    float | None: 2.5,
    tuple[int, ...]: (7000215, 50034),
    tuple[str, ...]: ("an ID and a name", "another"),
    object: RECORD,
}


# What other exceptions are made with, where it is not a sentence.
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "ProxyError": ("proxy_down", "what happened"),
    "ForeignFileError": (Path("a file"), "it is a folder"),
    "LimitExceededError": ("head_bytes", 7),
    "NoDeltaError": (RECORD,),
}


def make_error(kind: type[BaseException]) -> BaseException:
    """Make one with every parameter that its class names."""
    if not issubclass(kind, Error):
        return kind(*ARGUMENTS.get(kind.__name__, ("what happened",)))
    hints = get_type_hints(kind.__init__)
    names = [name for name in inspect.signature(kind.__init__).parameters if name != "self"]
    values: dict[str, Any] = {name: SAMPLES[hints[name]] for name in names if name != "message"}
    error = kind("what happened: \x1b[31m", **values | {"code": "option_invalid"})
    error.listing = RECORD
    error.add_note("what a caller has added")
    return error


ERRORS = [make_error(kind) for kind in list_error_kinds()]


def describe(error: BaseException) -> tuple[object, ...]:
    return type(error), str(error), error.args, vars(error)


@pytest.mark.parametrize("method", COPIES)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_survives_being_copied(error: BaseException, method: str) -> None:
    """Class, message and every attribute are those of the original, as is what callers added."""
    assert describe(COPIES[method](error)) == describe(error)


def test_the_tree_of_errors_is_whole() -> None:
    """The classes that the page of errors names are among those that are copied here."""
    kinds = {type(error) for error in ERRORS}

    assert {Error, GraphError, UnprovedError, OutputClosedError} <= kinds
    assert {one for one in descend(Error) if one.__module__.startswith("graphdaemon")} <= kinds


def list_values(settings: Settings) -> list[object]:
    """Values that the library takes and gives."""
    raw = msgspec.Raw(b'{"id":"1","displayName":"Ana"}')
    return [
        settings,
        Page([raw], "https://graph.test/next", 7, None, b'{"value":[]}'),
        Query(("id",), "accountEnabled eq true", None, "displayName", 3),
        ListingOptions(chains=3, journal=Path("journal")),
        RECORD,
        Progress(1, 2, 3, 4, 5, 6.0, None, "Graph", "listing"),
        ROUND,
    ]


def compare(value: object) -> object:
    """The value as something that is equal where its parts are; raw bytes compare by identity."""
    if isinstance(value, Page):
        return value._replace(records=[bytes(record) for record in value.records])  # type: ignore[misc]  # bytes stand for the records
    return value


@pytest.mark.parametrize("method", COPIES)
def test_every_value_survives_being_copied(
    scripted: ScriptedServer, tmp_path: Path, method: str
) -> None:
    """Settings with their secret, pages, queries, listing records, progress and changes."""
    for value in list_values(read_settings(scripted.write_parameters(tmp_path), {})):
        assert compare(COPIES[method](value)) == compare(value)


@pytest.mark.parametrize("name", graphdaemon.__all__)
def test_every_public_name_can_be_named_to_another_process(name: str) -> None:
    """A process pool is given a function or a class by its name, which leads back to it."""
    public = getattr(graphdaemon, name)
    arrived = pickle.loads(pickle.dumps(public))

    if inspect.isclass(public) or inspect.isfunction(public):
        assert arrived is public
    else:
        # An alias has no name of its own: what it stands for is made anew.
        assert get_origin(public) is not None
        assert arrived == public


@pytest.mark.parametrize("method", COPIES)
def test_a_client_says_why_it_cannot_be_copied(
    scripted: ScriptedServer, tmp_path: Path, method: str
) -> None:
    """It holds connections; its settings are what another process can use."""
    client = Client(read_settings(scripted.write_parameters(tmp_path), {}))

    with pytest.raises(TypeError, match="pass its settings"):
        COPIES[method](client)


def raise_again(error: BaseException) -> None:
    raise error


def test_an_error_of_a_job_arrives_from_a_process_pool() -> None:
    """Whoever waits for the job gets the error that it raised, one of every class in turn."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        jobs = [pool.submit(raise_again, error) for error in ERRORS]
        raised = [job.exception(timeout=120) for job in jobs]

    for error, arrived in zip(ERRORS, raised, strict=True):
        assert arrived is not None
        assert type(arrived) is type(error)
        assert str(arrived) == str(error)
        assert getattr(arrived, "hint", None) == getattr(error, "hint", None)
