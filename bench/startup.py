"""
How long the quickstart and its parts take, as a user waits for them: medians of whole processes.

    .venv/bin/python bench/startup.py [RUNS]
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from entra_emulator.server.emulator import Emulator

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "examples/1-Call-MsGraph-WithSecret/confidential_client_secret_sample.py"
COMMAND = [sys.executable, "-m", "graphdaemon"]


def measure(*command: object) -> float:
    """Seconds of wall time until the process ended well."""
    started = time.perf_counter()
    subprocess.run([str(word) for word in command], capture_output=True, check=True)
    return time.perf_counter() - started


def with_cache(parameters: Path) -> Path:
    """The same settings with a file cache, which the first run fills."""
    key_file = parameters.with_name("cache.key")
    key_file.write_bytes(base64.b64encode(os.urandom(32)))
    key_file.chmod(0o600)
    cached = parameters.with_name("cached.json")
    shared = {
        "token_cache": "file",
        "token_cache_folder": "tokens",
        "token_cache_key_file": key_file.name,
    }
    cached.write_text(json.dumps(json.loads(parameters.read_text()) | shared))
    cached.chmod(0o600)
    return cached


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder, Emulator() as emulator:
        from entra_emulator.server.serve import keep_parameters

        emulator.data = Path(folder)
        keep_parameters(emulator)
        parameters = Path(folder) / "parameters.json"
        (Path(folder) / "ca.pem").write_bytes(emulator.ca_file.read_bytes())
        jobs: dict[str, list[object]] = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "graphdaemon --help": [*COMMAND, "--help"],
            "graphdaemon users (250)": [*COMMAND, "users", parameters],
            "graphdaemon users, warm cache": [*COMMAND, "users", with_cache(parameters)],
            "the classic sample (100)": [sys.executable, SAMPLE, parameters],
            "graphdaemon quickstart": [*COMMAND, "quickstart"],
        }
        measure(*jobs["graphdaemon users, warm cache"])
        # Interleaved, so that a busy moment of the machine touches all alike.
        rounds = [{name: measure(*job) for name, job in jobs.items()} for _ in range(runs)]
    print(f"median of {runs} interleaved runs, seconds of wall time")
    for name in jobs:
        print(f"{name:30} {statistics.median(one[name] for one in rounds):6.2f}")


if __name__ == "__main__":
    main()
