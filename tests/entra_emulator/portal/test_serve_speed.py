from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.emulator_probe import Probe
from tests.support.portal_visitor import (
    Visitor,
    list_addresses,
)

# Of the database's virtual machine: what it does per row it looks at is a dozen.
STEPS = 100


@contextmanager
def counting(probe: Probe) -> Iterator[list[int]]:
    """How often the database did so many steps, on every connection."""
    counted = [0]

    def count() -> None:
        counted[0] += 1

    connections = list(probe.emulator.directory._store._all)
    for connection in connections:
        connection.set_progress_handler(count, STEPS)
    yield counted
    for connection in connections:
        connection.set_progress_handler(None, 0)


def measure(probe: Probe) -> dict[str, int]:
    """The steps that each page takes, by its address."""
    visitor = Visitor(probe)
    visitor.sign_in()
    found = {}
    tenant = probe.emulator.tenant.id
    searches = [f"/portal/{tenant}/{place}?q=a" for place in ("users", "groups", "applications")]
    for address in (*list_addresses(visitor), *searches, "/portal/signin?q=a"):
        visitor.open(address)
        with counting(probe) as counted:
            visitor.open(address)
        found["/".join(part for part in address.split("/") if len(part) != 36)] = counted[0]
    return found


def test_size_does_not_matter(launch: Callable[..., Probe], tmp_path: Path) -> None:
    """No page looks at more of the database when the directory is twenty-five times as large."""
    small = measure(launch(tmp_path / "small", users=60, groups=5, devices=5))
    large = measure(launch(tmp_path / "large", users=1500, groups=100, devices=5))

    slower = {
        page: (small[page], steps) for page, steps in large.items() if steps > 3 * small[page] + 50
    }
    assert slower == {}
    assert len(large) > 20
