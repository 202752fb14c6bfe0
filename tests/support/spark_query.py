"""
A driver of its own for one query: MASTER PARAMETERS FOLDER BATCH PLACE.

It writes each batch to a file of FOLDER, and stands still before or after it has written BATCH, as
PLACE says, until somebody ends it. On a cluster it kills an executor while the first batch is read.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.support.spark_session import kill_one, open_session


def main() -> None:
    from graphdaemon.client.spark import register

    master, parameters, place = sys.argv[1], sys.argv[2], sys.argv[5]
    folder, halt = Path(sys.argv[3]), int(sys.argv[4])

    def stand_still() -> None:
        (folder / "halted").touch()
        threading.Event().wait()

    def write(frame: Any, number: int) -> None:
        if (number, place) == (halt, "before"):
            stand_still()
        if number == 0 and master.startswith("local-cluster"):
            kill_one(session, "CoarseGrainedExecutorBackend")
        columns = ("graphdaemon_run", "graphdaemon_state", "id", "displayName")
        rows = sorted(map(list, frame.select(*columns).collect()), key=str)
        draft = folder / "draft"
        draft.write_text(json.dumps(rows))
        draft.rename(folder / f"batch-{number}-{time.time_ns()}.json")
        if (number, place) == (halt, "after"):
            stand_still()

    with open_session(master, folder) as session:
        register(session)
        reader = session.readStream.format("graphdaemon-changes")
        reader = reader.option("parameters", parameters).option("store", f"sqlite:{folder}/store")
        writer = reader.load("users").writeStream.foreachBatch(write)
        writer = writer.option("checkpointLocation", str(folder / "checkpoint"))
        writer.trigger(availableNow=True).start().awaitTermination()


if __name__ == "__main__":
    main()
