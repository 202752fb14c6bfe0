"""What many emulators of one process share, and what each has of its own."""

import socket
from pathlib import Path

import pytest

from entra_emulator.clock import Clock
from entra_emulator.server.emulator import Emulator
from entra_emulator.server.shared_parts import SharedParts

TENANT = """
[[users]]
userPrincipalName = "ada@contoso.onmicrosoft.com"

[[applications]]
displayName = "Report"
secret = "pretend-secret-of-the-report"
"""


def list_names(emulator: Emulator) -> list[str]:
    rows = emulator.directory.collections.read_rows(emulator.tenant, "user", limit=999)
    return [str(row[2]) for row in rows]


def test_tenants_side_by_side_are_apart() -> None:
    """Directory, clock, faults, audit log and keys that were rotated are each one's own."""
    with SharedParts() as shared, Emulator(shared=shared, users=5, in_process=True) as one:
        before = list_names(one)
        with Emulator(shared=shared, users=5, in_process=True) as other:
            other.add_user("ada")
            other.clock.move(86_400)
            other.faults.fail("status", status=503)
            other.keys.rotate()
            with other.requests_session() as session:
                session.get(f"{other.graph_url}/users")
            assert len(list_names(other)) == 6

        assert list_names(one) == before
        assert one.clock.now() < other.clock.now() - 80_000
        assert one.faults.plans() == []
        assert one.audit.entries() == []
        assert len(one.keys.keys) == 2


def test_the_same_content_is_the_same_directory() -> None:
    """Copied or filled anew, and another for another seed, size or file."""
    with SharedParts() as shared:
        names = []
        for users, seed in ((9, 0), (9, 0), (9, 1), (10, 0)):
            with Emulator(shared=shared, in_process=True, users=users, seed=seed) as emulator:
                names.append(list_names(emulator))
    with Emulator(users=9, in_process=True) as alone:
        assert names[0] == names[1] == list_names(alone)

    assert names[2] != names[0]
    assert names[3][:9] != names[2]
    assert len(names[3]) == 10


def test_a_tenant_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "tenant.toml"
    with SharedParts() as shared:
        path.write_text(TENANT)
        with Emulator(shared=shared, in_process=True, tenant_file=path) as emulator:
            assert emulator.applications["Report"].secret == "pretend-secret-of-the-report"
            assert len(list_names(emulator)) == 1
        path.write_text(TENANT.replace("ada", "bob"))
        with Emulator(shared=shared, in_process=True, tenant_file=path) as emulator:
            assert emulator.directory.users.find(emulator.tenant, "bob@contoso.onmicrosoft.com")


def test_sign_ins_are_counted_back_from_each_ones_clock() -> None:
    """A copy is used while its times are true, and not by a clock that stands elsewhere."""
    with SharedParts() as shared:
        moments = []
        for at in (1_900_000_000.0, 1_900_000_100.0, 1_800_000_000.0):
            with Emulator(shared=shared, users=50, in_process=True, clock=Clock(at)) as emulator:
                rows = emulator.directory._store.read("SELECT max(interactive) FROM last_sign_in")
                moments.append(rows[0][0])

    assert moments[2] <= 1_800_000_000 < moments[0] <= 1_900_000_000
    assert moments[1] == moments[0]


def test_served_tenants_share_one_authority() -> None:
    """Each has a port of its own, which is closed when it stops; the file goes with the parts."""
    with SharedParts() as shared:
        with Emulator(shared=shared, users=0) as one, Emulator(shared=shared, users=0) as other:
            assert one.ca_file == other.ca_file
            assert one.url != other.url
            path, port = one.ca_file, int(one.url.rpartition(":")[2])
            with one.requests_session() as session:
                assert session.get(f"{one.graph_url}/users").status_code == 401
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        assert path.exists()

    assert not path.exists()


def test_a_directory_is_in_memory_or_in_a_folder(tmp_path: Path) -> None:
    """Not in both; in a folder it can be used in process, and is there the next time."""
    with pytest.raises(ValueError, match="leave out data="):
        Emulator(in_memory=True, data=tmp_path)

    with Emulator(in_process=True, data=tmp_path / "kept", users=3) as emulator:
        emulator.add_user("ada")
    with Emulator(data=tmp_path / "kept") as emulator:
        assert len(list_names(emulator)) == 4
    with Emulator(in_memory=True, users=3) as emulator:
        assert len(list_names(emulator)) == 3
        assert not list(emulator.data.glob("*.sqlite"))
