"""
What the formats of output cost: CPU, and the ratio to NDJSON, whose lines are written as they came.

    .venv/bin/python -m bench.formats [--users N] [--many N] [--rounds N] [PART...]

The parts are `writers` (each format's writer by itself), `commands` (the whole of `graphdaemon
list`, over TLS, with its proof), `sort` (`--sort id`, beside GNU sort), `frames` (a table into
pandas, Polars and DuckDB, beside dictionaries; those that are installed) and `batches` (memory of
`record_batches` and of `table`, of the smaller and the larger directory). All of a part are
measured in turns, and the medians are shown. The users are those of ``bench.listing``.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bench.listing.directory import open_directory
from bench.listing.place import Place
from bench.listing.server import DATA, serving
from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.default_properties import default_properties
from graphdaemon.output.atomic_file import open_scratch
from graphdaemon.output.formats import load_format
from graphdaemon.output.sort import Sorter
from graphdaemon.output.spec import OutputSpec

PAGE, SEED = 999, 1
ALL = default_properties("users") or ()
FOUR = CATALOG["users"].columns

Pages = list[list[msgspec.Raw]]
_LAUNCH = Path(__file__).parent / "listing" / "launch.py"


class Row(NamedTuple):
    """
    What something cost.

    Attributes:
        name: What the table calls it.
        base: What it is compared with.
        cpu: Seconds of CPU, of each round.
        memory: Megabytes at the most; 0 where it was not measured.
    """

    name: str
    base: str
    cpu: list[float]
    memory: float = 0.0


class Contender(NamedTuple):
    """Something to measure; `run` returns the seconds of CPU, and megabytes of memory or 0."""

    name: str
    base: str
    run: Callable[[], tuple[float, float]]


def measure(contenders: Sequence[Contender], rounds: int) -> list[Row]:
    """Run each once to warm up, and then so often, in turns."""
    rows = {one.name: Row(one.name, one.base, []) for one in contenders}
    for number in range(-1, rounds):
        for one in contenders:
            cpu, memory = one.run()
            if number >= 0:
                row = rows[one.name]
                row.cpu.append(cpu)
                rows[one.name] = row._replace(memory=max(row.memory, memory))
    return list(rows.values())


def show(title: str, rows: Sequence[Row]) -> None:
    """Print a table: the median, the best, and the ratio of medians."""
    print(f"\n{title}\n")
    print(
        f"| {'':44} | CPU ms | best | ratio | memory MB |\n| {'-' * 44} | --: | --: | --: | --: |"
    )
    medians = {row.name: statistics.median(row.cpu) for row in rows}
    for row in rows:
        ratio = f"{medians[row.name] / medians[row.base]:.2f}" if row.base in medians else ""
        memory = f"{row.memory:.0f}" if row.memory else ""
        cells = f"{medians[row.name] * 1000:.0f} | {min(row.cpu) * 1000:.0f} | {ratio} | {memory}"
        print(f"| {row.name:44} | {cells} |", flush=True)


def read_pages(users: int, names: Sequence[str] = ()) -> Pages:
    """Pages of users, as Graph sends them where these properties are selected."""
    directory = open_directory(DATA, users)
    pages: Pages = []
    for at in range(0, users, PAGE):
        page = b"[%b]" % directory.slice(at, min(at + PAGE, users))
        if names:
            picked = [{name: one.get(name) for name in names} for one in json.loads(page)]
            page = json.dumps(picked, ensure_ascii=False, separators=(",", ":")).encode()
        pages.append(msgspec.json.decode(page, type=list[msgspec.Raw]))
    return pages


class _Nowhere(io.RawIOBase):
    def write(self, data: Any, /) -> int:
        return len(data)

    def writable(self) -> bool:
        return True


def list_writers(users: int) -> Iterator[Contender]:
    """The writer of each format, of all properties that there are by default, and of four."""
    for count, names, pages in (
        ("11 properties", ALL, read_pages(users)),
        ("4 properties", FOUR, read_pages(users, FOUR)),
    ):
        for form in ("ndjson", "csv", "parquet"):
            run = _make_writing(OutputSpec(form, names, path="users"), pages)
            yield Contender(f"{form}, {count}", f"ndjson, {count}", run)


def _make_writing(spec: OutputSpec, pages: Pages) -> Callable[[], tuple[float, float]]:
    def run() -> tuple[float, float]:
        began = time.process_time()
        writer = load_format(spec.format).make(_Nowhere(), spec, None)
        for page in pages:
            writer.write(page)
        writer.finish()
        return time.process_time() - began, 0.0

    return run


def list_commands(place: Place) -> Iterator[Contender]:
    """The whole command, which selects what its columns show."""
    of_all, of_four = f"--select {','.join(ALL)}", f"--select {','.join(FOUR)}"
    for name, base, options in (
        ("ndjson, 11 properties", "", ""),
        ("csv, 11 properties", "ndjson, 11 properties", of_all),
        ("parquet, 11 properties", "ndjson, 11 properties", of_all),
        ("ndjson, --sort id", "ndjson, 11 properties", "--sort id"),
        ("ndjson, 4 properties", "", of_four),
        ("csv, 4 properties", "ndjson, 4 properties", ""),
        ("parquet, 4 properties", "ndjson, 4 properties", ""),
    ):
        form = name.partition(",")[0]
        yield Contender(name, base or name, _make_listing(place, name, form, options.split()))


def _make_listing(
    place: Place, name: str, form: str, options: Sequence[str]
) -> Callable[[], tuple[float, float]]:
    home = place.home(name)
    home.mkdir()
    settings, output, proof = (
        str(place.parameters(home, cached=True)),
        home / f"users.{form}",
        home / "proof.json",
    )
    command = [sys.executable, "-m", "graphdaemon", "list", "users", settings, "--format", form]
    command += ["--output", str(output), "--proof", str(proof), "--quiet", *options]

    def run() -> tuple[float, float]:
        cost = _launch(command, home, place.environment(home, bundle=False))
        assert json.loads(proof.read_bytes())["records"] == place.users, "it listed everybody"
        return cost["cpu"], cost["rss"]

    return run


def _launch(command: Sequence[str], home: Path, environment: dict[str, str]) -> dict[str, float]:
    result = home / "cost.json"
    launch = [sys.executable, "-I", "-S", str(_LAUNCH), str(result), "-", str(home / "printed")]
    subprocess.run([*launch, *command], env=environment, check=True)
    cost: dict[str, float] = json.loads(result.read_bytes())
    assert cost["status"] == 0, command
    return cost


def list_sorts(users: int, folder: Path) -> Iterator[Contender]:
    """A sorter and GNU sort, each a process that reads the same users in the order of names."""
    lines, keyed = folder / "users.ndjson", folder / "users.tsv"
    directory = open_directory(DATA, users)
    with lines.open("wb") as plain, keyed.open("wb") as tabbed:
        for at in range(0, users, PAGE):
            page = b"[%b]" % directory.slice(at, min(at + PAGE, users))
            records = msgspec.json.decode(page, type=list[msgspec.Raw])
            ids = [one["id"].encode() for one in json.loads(page)]
            plain.writelines(bytes(one) + b"\n" for one in records)
            tabbed.writelines(b"%b\t%b\n" % each for each in zip(ids, records, strict=True))
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    scratch = f"--temporary-directory={folder}"
    gnu = ["sort", "--parallel=1", "--buffer-size=64M", scratch, str(keyed)]
    ours = [sys.executable, "-m", "bench.formats", "--sort-file", str(lines)]
    for name, command in (("GNU sort", gnu), ("--sort id", ours)):
        yield Contender(name, "GNU sort", _make_sorting(command, folder, environment))


def _make_sorting(
    command: Sequence[str], folder: Path, environment: dict[str, str]
) -> Callable[[], tuple[float, float]]:
    def run() -> tuple[float, float]:
        cost = _launch(command, folder, environment)
        printed = folder / "printed"
        with printed.open("rb") as file:
            told = file.read(100)
        if told.startswith(b"cpu "):
            _, cpu, _, memory = told.split()
            return float(cpu), float(memory)
        return cost["cpu"], cost["rss"]

    return run


_READING = """
import sys
import graphdaemon
with graphdaemon.load(sys.argv[1]) as client:
    read = getattr(client, sys.argv[2])("users")
    rows = read.num_rows if sys.argv[2] == "table" else sum(one.num_rows for one in read)
assert rows == int(sys.argv[3]), rows
"""


def list_readings(place: Place) -> Iterator[Contender]:
    """`table` and `record_batches` of the library, over TLS, with its proof."""
    for method in ("record_batches", "table"):
        name = f"{method}, {place.users:,} users"
        home = place.home(name)
        home.mkdir()
        settings = str(place.parameters(home, cached=True))
        command = [sys.executable, "-c", _READING, settings, method, str(place.users)]
        environment = place.environment(home, bundle=False)
        yield Contender(name, name, partial(_read_cost, command, home, environment))


def _read_cost(
    command: Sequence[str], home: Path, environment: dict[str, str]
) -> tuple[float, float]:
    cost = _launch(command, home, environment)
    return cost["cpu"], cost["rss"]


def sort_file(lines: Path) -> None:
    """Sort the records of a file by their IDs, and print what that took, reading it left out."""
    cpu, count = 0.0, 0
    scratch = open_scratch(lines.parent)
    sorter = Sorter(scratch, "id")
    with lines.open("rb") as file:
        while page := [msgspec.Raw(line[:-1]) for line in file.readlines(PAGE * 400)]:
            count += len(page)
            began = time.process_time()
            sorter.write(page)
            cpu += time.process_time() - began
    began = time.process_time()
    with (lines.parent / "sorted").open("wb") as output:
        for batch in sorter.read({}):
            count -= len(batch)
            output.write(b"\n".join([*batch, b""]))
    cpu += time.process_time() - began
    scratch.discard()
    assert count == 0, "every record came back"
    print("cpu", cpu, "memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def list_frames(users: int) -> Iterator[Contender]:
    """A data frame of the pages of a listing: by Arrow, and by a dictionary for each user."""
    from graphdaemon.graph.property_types import find_types_at
    from graphdaemon.output.arrow.columns import Columns
    from graphdaemon.output.arrow.frame import Frame
    from graphdaemon.output.arrow.gather import Gatherer

    pages = read_pages(users)
    columns = Columns(find_types_at("users", ALL), keeps_rest=True)

    def make_table() -> Any:
        frame = Frame(columns)
        gatherer = Gatherer(frame)
        tables = [gatherer.make() for page in pages if gatherer.add(page)]
        return frame.join([*tables, gatherer.make()], {})

    def make_dictionaries() -> list[dict[str, Any]]:
        return [msgspec.json.decode(record) for page in pages for record in page]

    yield Contender("table", "table", _time(make_table))
    yield Contender("dictionaries", "table", _time(make_dictionaries))
    for name, by_arrow, by_dictionaries in _FRAMES:
        if importlib.util.find_spec(name) is None:
            print(f"{name} is not installed", file=sys.stderr)
            continue
        for kind, convert, make in (
            ("of a table", by_arrow, make_table),
            ("of dictionaries", by_dictionaries, make_dictionaries),
        ):
            run = _time(partial(_convert, convert, make))
            yield Contender(f"{name} {kind}", f"{name} of a table", run)


def _convert(convert: Callable[[Any], Any], make: Callable[[], Any]) -> Any:
    return convert(make())


def _time(work: Callable[[], object]) -> Callable[[], tuple[float, float]]:
    def run() -> tuple[float, float]:
        began = time.process_time()
        work()
        return time.process_time() - began, 0.0

    return run


def _to_pandas(table: Any) -> Any:
    import pandas as pd

    return table.to_pandas(types_mapper=pd.ArrowDtype)


def _to_pandas_slowly(records: list[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(records)


def _to_polars(table: Any) -> Any:
    import polars as pl

    return pl.from_arrow(table)


def _to_polars_slowly(records: list[dict[str, Any]]) -> Any:
    import polars as pl

    return pl.DataFrame(records, infer_schema_length=None)


def _to_duckdb(table: Any) -> Any:
    import duckdb

    return duckdb.from_arrow(table).aggregate("jobTitle, count(*)").fetchall()


def _to_duckdb_slowly(records: list[dict[str, Any]]) -> Any:
    import duckdb
    import pyarrow as pa

    # It reads no dictionaries by itself.
    return (
        duckdb.from_arrow(pa.Table.from_pylist(records)).aggregate("jobTitle, count(*)").fetchall()
    )


_FRAMES: tuple[tuple[str, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    ("pandas", _to_pandas, _to_pandas_slowly),
    ("polars", _to_polars, _to_polars_slowly),
    ("duckdb", _to_duckdb, _to_duckdb_slowly),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the formats of output.")
    names = ("writers", "commands", "sort", "frames", "batches")
    parser.add_argument("part", nargs="*", help=f"{', '.join(names)}; all by default")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--many", type=int, default=1_000_000, help="users of the larger directory")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sort-file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sort_file is not None:
        sort_file(options.sort_file)
        return
    parts = options.part or names
    if unknown := set(parts) - set(names):
        parser.error(f"no such part: {', '.join(unknown)}")
    users, rounds = options.users, options.rounds
    if "writers" in parts:
        show(f"Writers alone, {users:,} users", measure([*list_writers(users)], rounds))
    if "frames" in parts:
        show(f"Data frames, {users:,} users", measure([*list_frames(users)], rounds))
    with tempfile.TemporaryDirectory(dir=DATA.parent) as name:
        folder = Path(name)
        if "commands" in parts:
            with serving(users) as (port, process):
                place = Place(port, process, DATA, folder, users)
                rows = measure([*list_commands(place)], rounds)
            show(f"Whole commands, {users:,} users", rows)
        if "batches" in parts:
            rows = []
            for size in (users, options.many):
                with serving(size) as (port, process):
                    place = Place(port, process, DATA, folder, size)
                    rows += measure([*list_readings(place)], 1)
            show("Arrow in Python", rows)
        if "sort" in parts:
            rows = measure([*list_sorts(options.many, folder)], rounds)
            show(f"{options.many:,} users sorted by ID", rows)


if __name__ == "__main__":
    main()
