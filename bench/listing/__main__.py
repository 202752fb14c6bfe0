"""
Measure how fast a directory is listed.

Each scenario runs its clients in turns against one server of prepared pages, over TLS on loopback,
and checks that each has brought everybody.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.listing import names
from bench.listing.clients import Client, find_absent
from bench.listing.directory import open_directory
from bench.listing.measure import Bench, Outcome, run_rounds
from bench.listing.place import Place
from bench.listing.scenario import SCENARIOS, Part, Scenario
from bench.listing.server import DATA, serving
from bench.listing.table import describe_machine, write_scenario

# In memory, where there is such a place: the disk is not what is measured.
_SCRATCH = Path("/dev/shm")


def main() -> None:
    options = _read_options()
    names.make_ours("bench.listing")
    names.settle()
    # Whoever stops it leaves no server and no files behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(options.rounds, not options.unpinned and _cores() > 1, options.patience)
    print(f"{describe_machine(pinned=bench.pinned)}\n", flush=True)
    kept: dict[str, dict[str, Outcome]] = {}
    for name in options.scenarios or SCENARIOS:
        scenario = SCENARIOS[name]
        print(f"{name}: {scenario.title}", file=sys.stderr)
        outcomes = kept[name] = _run(bench, scenario, options)
        if options.json:
            _write_json(options.json, kept)
        print(write_scenario(scenario, outcomes), flush=True)


def _run(bench: Bench, scenario: Scenario, options: argparse.Namespace) -> dict[str, Outcome]:
    outcomes = {}
    for part in scenario.parts:
        wanted = [client for client in part.clients if re.search(options.only, client.name)]
        absent = find_absent(wanted)
        present = [client for client in wanted if client.name not in absent]
        found = Outcome([], {})
        if present:
            found = run_part(bench, part, present, options.data, options.output)
        outcomes[part.title] = Outcome(found.samples, absent | found.absent)
    return outcomes


def run_part(
    bench: Bench, part: Part, clients: Sequence[Client], data: Path, output: Path | None
) -> Outcome:
    """Serve the directory of ``part``, and let ``clients`` list it."""
    with (
        serving(
            part.users,
            data=data,
            latency=part.latency,
            ports=(0, 443) if names.are_ours() else (0,),
            cpu=bench.server_cpu,
        ) as (port, server),
        tempfile.TemporaryDirectory(dir=output, prefix="graphdaemon-bench-") as folder,
    ):
        place = Place(port, server, data, Path(folder), part.users)
        place.write_addresses()
        everybody = open_directory(data, part.users).ids()
        return run_rounds(bench, place, clients, everybody)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.listing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="scenarios:\n" + "\n".join(f"  {n:18}{s.title}" for n, s in SCENARIOS.items()),
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="which (all)")
    parser.add_argument("--rounds", type=int, default=5, help="after one to warm up (5)")
    parser.add_argument(
        "--only", default="", metavar="REGEX", help="clients so named, and no others"
    )
    parser.add_argument("--unpinned", action="store_true", help="share all cores with the server")
    parser.add_argument("--patience", type=float, default=5, help="seconds to wait for quiet (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    parser.add_argument("--data", type=Path, default=DATA, help="where directories are kept")
    scratch = _SCRATCH if _SCRATCH.is_dir() else None
    parser.add_argument("--output", type=Path, default=scratch, help="where clients write")
    options = parser.parse_args()
    for name in options.scenarios:
        if name not in SCENARIOS:
            parser.error(f"there is no scenario {name}; there are {', '.join(SCENARIOS)}")
    return options


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _write_json(path: Path, kept: dict[str, dict[str, Outcome]]) -> None:
    rows = {
        name: {
            title: {"runs": [one._asdict() for one in outcome.samples], "absent": outcome.absent}
            for title, outcome in outcomes.items()
        }
        for name, outcomes in kept.items()
    }
    path.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
