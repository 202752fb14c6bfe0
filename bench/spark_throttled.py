"""
What executors of Spark cost where the throttle budget binds: `read_directory` on a real cluster.

    .venv-peers/bin/python -m bench.spark_throttled [--users N] [--seconds S] [CASE ...]

Cases: redis (driver and executors share a Redis server), strangers (they share nothing), share
(each part keeps to its share of the documented budget, and they share nothing), driver (the data
source `graphdaemon`, whose driver alone reads); all of them by default. As in `bench/throttled.py`
the documented limit is scaled so that a listing takes about S seconds, and the scale is printed.

What was allowed is one full bucket and what it lost until the last request; what was used is what
the emulator let through. Seconds are those of the listing, without the start of Spark.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.throttled import COST, LIMIT, PAGE, WINDOW, Server, redis_server
from entra_emulator.content.data_folder import STORE, fill_folder
from entra_emulator.content.seed import choose_sizes
from tests.support.spark_session import open_session

CASES = ("redis", "strangers", "share", "driver")


def measure(case: str, data: Path, scale: float, executors: int) -> dict[str, Any]:
    """Run one case, in a session of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="graphdaemon-bench-")))
        # What one listing learns is no other's.
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        quiet = {"spark.ui.showConsoleProgress": "false"}
        cluster = f"local-cluster[{executors},1,1024]"
        session = stack.enter_context(open_session(cluster, folder, **quiet))
        # Whatever a worker loads for the first time it has loaded.
        session.range(executors).repartition(executors).rdd.map(_load).collect()
        server = Server(data, scale, told=True)
        settings = server.settings
        if case == "redis":
            settings["budget_url"] = stack.enter_context(redis_server(folder))
        parameters = folder / "parameters.json"
        parameters.write_text(json.dumps(settings))
        parameters.chmod(0o600)
        began = time.perf_counter()
        rows, record = _read(session, case, str(parameters), 2 * executors)
        seconds = time.perf_counter() - began
        noted, early = server.close()
    limit = LIMIT * scale
    allowed = limit + limit / WINDOW * (noted[-1][0] - noted[0][0])
    used = sum(units for _, units, ok in noted if ok)
    return {
        "case": case,
        "rows": rows,
        "seconds": round(seconds, 1),
        "units": used,
        "used": round(used / allowed, 3),
        "refused": sum(not ok for _, _, ok in noted),
        "early": early,
        **record,
    }


def _read(session: Any, case: str, parameters: str, parts: int) -> tuple[int, dict[str, Any]]:
    from graphdaemon.client.spark import read_directory, register

    if case == "driver":
        register(session)
        reader = session.read.format("graphdaemon").option("parameters", parameters)
        return reader.load("users").count(), {}
    records: list[Any] = []
    users = read_directory(
        session,
        "users",
        parts=parts,
        parameters=parameters,
        share=1 / parts if case == "share" else 1.0,
        on_record=records.append,
    )
    (record,) = records
    return users.count(), {"verdict": record.verdict, "pages": record.pages}


def _load(number: int) -> int:
    import pyarrow  # noqa: ICN001, F401  it is loaded, and not used
    import redis  # noqa: F401

    import graphdaemon.client.spark.parts_source  # noqa: F401

    return number


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=300_000)
    parser.add_argument("--seconds", type=float, default=36)
    parser.add_argument("--executors", type=int, default=4)
    parser.add_argument("--data", type=Path)
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="CASE")
    options = parser.parse_args()
    folder = (options.data or Path(tempfile.mkdtemp(prefix="graphdaemon-bench-"))).resolve()
    scale = round(options.users / PAGE * COST / (LIMIT * (1 + options.seconds / WINDOW)), 4)
    print(f"{LIMIT * scale:,.0f} units in {WINDOW} s, {scale} of the documented limit")
    try:
        if not (folder / STORE).exists():
            fill_folder(folder, choose_sizes(options.users, 0, 0))
        for case in options.cases:
            print(json.dumps(measure(case, folder, scale, options.executors)), flush=True)
    finally:
        if options.data is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
