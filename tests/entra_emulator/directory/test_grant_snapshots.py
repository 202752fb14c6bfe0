from entra_emulator.directory.grant_snapshots import MOST, GrantSnapshots
from entra_emulator.model.records import Tenant

OURS, THEIRS = (Tenant(number, f"t{number}", "T", (), "EU", 0.0) for number in (1, 2))


def test_a_snapshot_is_found_by_its_number_and_tenant_alone() -> None:
    snapshots = GrantSnapshots()
    number = snapshots.take(OURS, [{"id": "a", "scope": "x"}])

    assert snapshots.find(OURS, number) == {"a": {"id": "a", "scope": "x"}}
    assert snapshots.find(THEIRS, number) is None
    assert snapshots.find(OURS, number + 1) is None


def test_what_did_not_change_keeps_its_number() -> None:
    snapshots = GrantSnapshots()
    first = snapshots.take(OURS, [{"id": "a"}])

    assert snapshots.take(OURS, [{"id": "a"}]) == first
    assert snapshots.take(THEIRS, [{"id": "a"}]) != first
    assert snapshots.take(OURS, []) != first


def test_the_oldest_snapshots_are_forgotten() -> None:
    snapshots = GrantSnapshots()
    lonely = snapshots.take(THEIRS, [])
    numbers = [snapshots.take(OURS, [{"id": str(n)}]) for n in range(MOST)]

    assert snapshots.find(THEIRS, lonely) is None
    assert all(snapshots.find(OURS, number) is not None for number in numbers)
    assert snapshots.find(THEIRS, snapshots.take(THEIRS, [])) == {}
