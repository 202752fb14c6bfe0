"""
A driver of its own for a query: MASTER PARAMETERS FOLDER PLACE.

The query brings what changes among the users into FOLDER, as a file for each time that a batch is
written. It runs until nothing is new, and ends. Where a place is named it stands still there in its
first batch, and says in the file `halted` which process does, until somebody ends it:

- `stored`: the round is in the store, and Spark has not noted down that there is one.
- `reading`: a task has handed over rows, and not all; its second attempt does not stand still.
- `before` or `after`: the sink has not, or has, written.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.spark_directory import CHANGES
from tests.support.spark_session import open_session


def main() -> None:
    from graphdaemon.client.spark import register

    master, parameters, place = sys.argv[1], sys.argv[2], sys.argv[4]
    folder = Path(sys.argv[3])
    with open_session(master, folder) as session:
        register(session)
        if place in ("stored", "reading"):
            session.dataSource.register(make_halting_source(folder, place))
        reader = session.readStream.format("graphdaemon-changes").option("parameters", parameters)
        changes = reader.option("store", f"sqlite:{folder}/store").load("users")
        # Where a batch was left, a query repeats it, and no more.
        for _ in range(2):
            stream = changes.writeStream.foreachBatch(make_sink(folder, place))
            stream = stream.option("checkpointLocation", f"{folder}/checkpoint")
            stream.trigger(availableNow=True).start().awaitTermination()


def make_sink(folder: Path, place: str) -> Any:
    def write(frame: Any, batch: int) -> None:
        if place == "before":
            stand_still(folder)
        rows = sorted(map(list, frame.select(*CHANGES).collect()), key=str)
        draft = folder / "draft"
        draft.write_text(json.dumps(rows))
        draft.rename(folder / f"batch-{batch}-{time.time_ns()}.json")
        if place == "after":
            stand_still(folder)

    return write


def make_halting_source(folder: Path, place: str) -> type:
    """Our data source, but for a reader that stands still at ``place``."""
    from graphdaemon.client.spark.changes_source import ChangesReader, ChangesSource
    from graphdaemon.client.spark.options import read_changes_options

    class HaltingReader(ChangesReader):
        def latestOffset(self) -> dict[str, int]:  # noqa: N802  Spark's own name
            offset = super().latestOffset()
            if place == "stored":
                stand_still(folder)
            return offset

        def read(self, partition: Any) -> Iterator[Any]:
            for rows in super().read(partition):
                yield rows
                if place == "reading":
                    stand_still(folder)

    class HaltingSource(ChangesSource):
        def streamReader(self, schema: Any) -> Any:  # noqa: ARG002, N802  Spark's own names
            return HaltingReader(read_changes_options(self.options))

    return HaltingSource


def stand_still(folder: Path) -> None:
    """Do so, whoever is the first."""
    draft = folder / f"halted-{os.getpid()}"
    draft.write_text(str(os.getpid()))
    try:
        os.link(draft, folder / "halted")
    except FileExistsError:
        return
    threading.Event().wait()


if __name__ == "__main__":
    main()
