"""
How long tests wait for their pretend tenants.

    .venv/bin/python -m bench.tenants

First single steps, as the median of many; then pytest itself, with 100 tests that each have a
tenant of their own, get a token through MSAL and list the users.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from entra_emulator import Emulator
from entra_emulator.server.shared_parts import SharedParts

ROUNDS = 30

TESTS = """
import msal
import pytest

@pytest.mark.entra(users={users})
@pytest.mark.parametrize("number", range(100))
def test_tenant({fixture}, number):
    entra = {fixture}
    with entra.requests_session() as session:
        app = msal.ConfidentialClientApplication(
            entra.application.client_id,
            authority=entra.authority,
            client_credential=entra.application.secret,
            http_client=session,
            instance_discovery=False,
        )
        token = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
        headers = {{"Authorization": "Bearer " + token["access_token"]}}
        users = session.get(entra.graph_url + "/users", headers=headers).json()["value"]
    assert len(users) == min({users}, 100)
"""


def measure(work: Callable[[], object]) -> float:
    """The median, in milliseconds."""
    work()
    times = []
    for _ in range(ROUNDS):
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return statistics.median(times) * 1000


def start(shared: SharedParts, *, in_process: bool, users: int) -> None:
    """A tenant and its application, as a fixture makes them, and their end."""
    with Emulator(shared=shared, in_process=in_process, users=users) as emulator:
        _ = emulator.application


def stop_server() -> float:
    """The median of stopping a server that was served alone, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        emulator = Emulator(users=5).start()
        emulator.keys.wait()
        before = time.perf_counter()
        emulator.stop()
        times.append(time.perf_counter() - before)
    return statistics.median(times) * 1000


def measure_steps() -> None:
    with SharedParts() as shared:
        for in_process in (True, False):
            for users in (0, 250, 1000):
                spent = measure(lambda p=in_process, n=users: start(shared, in_process=p, users=n))  # type: ignore[misc]  # the loop's values
                place = "in process" if in_process else "as a server"
                print(f"a tenant with {users:4} users, {place}: {spent:5.1f} ms")
        with Emulator(shared=shared, in_process=True, users=1000) as emulator:
            print(f"snapshot of 1,000 users: {measure(emulator.snapshot):5.1f} ms")
            image = emulator.snapshot()
            print(f"its restoration: {measure(lambda: emulator.restore(image)):5.1f} ms")
    print(f"stopping a server: {stop_server():5.1f} ms")


def run_tests(fixture: str, users: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_many.py").write_text(TESTS.format(fixture=fixture, users=users))
        Path(folder, "pytest.ini").write_text("[pytest]\n")
        before, worked = time.perf_counter(), read_processor_time()
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        spent, worked = time.perf_counter() - before, read_processor_time() - worked
    print(
        f"100 tests with {fixture} and {users} users: {spent:5.2f} s, {worked:5.2f} s of the "
        "processor, pytest's start included"
    )


def read_processor_time() -> float:
    """Seconds that ended child processes have worked."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    measure_steps()
    for fixture in ("entra", "entra_server"):
        for users in (0, 250):
            run_tests(fixture, users)


if __name__ == "__main__":
    main()
