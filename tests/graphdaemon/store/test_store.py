"""A store as its users see it: opened, held, followed; the same on every database."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from graphdaemon.errors import StoreError
from graphdaemon.store.store import Store, open_store
from tests.support.store_fixtures import (
    SteppingClock,
    load_users,
    position,
    read_documents,
    row,
)
from tests.support.store_process import running


def test_a_tenant_keeps_its_number(store: Store) -> None:
    """Whatever case its ID is written in; a new name is noted."""
    assert store.enter_tenant("AAAAAAAA-0000-0000-0000-000000000001", "Contoso Ltd") == 1
    assert store.enter_tenant("aaaaaaaa-0000-0000-0000-000000000002", "Fabrikam") == 2
    assert store.database.fetch("SELECT number, name FROM tenants ORDER BY number") == [
        (1, "Contoso Ltd"),
        (2, "Fabrikam"),
    ]


def test_a_collection_that_was_never_synced_has_no_position(store: Store) -> None:
    assert store.position(1, "users") is None


def test_a_check_moves_the_position_and_makes_no_run(store: Store) -> None:
    load_users(store, row("a"))

    store.note_check(
        1, "users", position("next")._replace(reconciled="2026-11-01T08:30:00.000000Z")
    )

    assert store.position(1, "users") == position("next")._replace(
        run=1,
        rows=1,
        checked="2026-11-01T09:00:00.000000Z",
        reconciled="2026-11-01T08:30:00.000000Z",
    )
    assert store.database.fetch("SELECT count(*) FROM runs") == [(1,)]


def test_of_comparisons_that_change_nothing_the_last_is_kept(store: Store) -> None:
    """Where there is no delta they are made every few minutes; others and their runs stay."""
    load_users(store, row("a"))
    for name in ("", "b", "", "", ""):
        with store.change(1, "users", "comparison") as change:
            change.put([row(name)] if name else [])
            change.note_listing(b"{}")

    assert store.database.fetch("SELECT at, created, listing FROM runs ORDER BY number") == [
        ("2026-11-01T08:00:00.000000Z", 1, None),
        ("2026-11-01T10:00:00.000000Z", 1, "{}"),
        ("2026-11-01T13:00:00.000000Z", 0, "{}"),
    ]
    (added,) = store.database.fetch("SELECT run FROM users_records WHERE id = 'b'")
    now = store.position(1, "users")
    assert now is not None
    assert (now.run, now.checked) == (added[0], "2026-11-01T13:00:00.000000Z")


def test_what_was_written_is_there_when_the_store_is_opened_again(
    store: Store, store_url: str
) -> None:
    load_users(store, row("a"))
    store.close()

    with open_store(store_url, create=False) as again:
        assert again.position(1, "users") is not None
        assert again.enter_tenant("aaaaaaaa-0000-0000-0000-000000000001", "Contoso") == 1


def test_time_goes_on_when_the_clock_goes_back(store: Store, clock: SteppingClock) -> None:
    """Each run of a collection is later than the one before it."""
    load_users(store, row("a"))
    clock.time -= dt.timedelta(days=400)
    for name in ("b", "c"):
        with store.change(1, "users", "round") as change:
            change.put([row(name)])

    assert store.database.fetch("SELECT at FROM runs ORDER BY number") == [
        ("2026-11-01T08:00:00.000000Z",),
        ("2026-11-01T08:00:00.000001Z",),
        ("2026-11-01T08:00:00.000002Z",),
    ]


def test_one_holder_at_a_time(store: Store, store_url: str) -> None:
    """Another connection hears that the collection is being synced, until it is let go."""
    with open_store(store_url) as second:
        with store.hold(1, "users"), store.hold(1, "users"):
            with (
                pytest.raises(StoreError, match="nother process") as caught,
                second.hold(1, "users"),
            ):
                pass
            assert caught.value.code == "store_busy"
        with second.hold(1, "users"):
            pass


def test_one_writer_at_a_time(store: Store, store_url: str) -> None:
    """Also where nobody holds the collection: a run that is under way is not disturbed."""
    with open_store(store_url) as second:
        with store.change(1, "users", "baseline") as change:
            change.load([row("a")])
            with pytest.raises(StoreError) as caught, second.change(1, "users", "baseline"):
                pass
            assert caught.value.code == "store_busy"
        with second.change(1, "users", "round") as change:
            assert not change.first


def test_a_process_that_holds_a_collection_keeps_others_out_until_it_ends(
    store: Store, store_url: str
) -> None:
    """However it ends: when it is killed, nothing needs to be tidied up."""
    load_users(store, row("a"))
    with running("hold", store_url) as process:
        with pytest.raises(StoreError) as caught, store.change(1, "users", "round"):
            pass
        assert caught.value.code == "store_busy"
        process.kill()
        with store.hold(1, "users", patience=30):
            pass


def test_a_process_that_is_killed_in_mid_write_leaves_no_trace(
    store: Store, store_url: str
) -> None:
    """What it wrote is gone, and the next one writes on from before."""
    load_users(store, row("a"))
    before = store.position(1, "users")
    with running("write", store_url) as process:
        process.kill()
        process.wait(timeout=60)
    with store.hold(1, "users", patience=30):
        assert read_documents(store).keys() == {"a"}
        assert store.position(1, "users") == before
        with store.change(1, "users", "round") as change:
            change.put([row("b")])
    assert read_documents(store).keys() == {"a", "b"}


def test_a_process_may_wait_for_another(store: Store, store_url: str) -> None:
    """It goes on as soon as the other has ended, with what that has written."""
    load_users(store, row("a"))
    with running("write", store_url) as process:
        assert process.stdin is not None
        process.stdin.write("go on\n")
        process.stdin.flush()
        with store.hold(1, "users", patience=60):
            assert len(read_documents(store)) == 20_000


def test_another_thread_may_take_a_store_over(store: Store) -> None:
    """One at a time: whoever opens it need not be who writes."""
    thread = threading.Thread(target=load_users, args=(store, row("a")))
    thread.start()
    thread.join(timeout=60)
    assert read_documents(store).keys() == {"a"}


def test_tenants_may_enter_at_the_same_moment(store_url: str) -> None:
    """Each waits for the other's one row; by an error a daemon's first sync would fail."""

    def enter() -> int:
        with open_store(store_url) as store:
            return store.enter_tenant("aaaaaaaa-0000-0000-0000-000000000002", "Fabrikam")

    with open_store(store_url) as store, ThreadPoolExecutor(1) as pool:
        with store.database.hold("tenants", 0.0):
            entered = pool.submit(enter)
            # Long enough for one that does not wait to fail.
            wait([entered], 0.2)
        assert entered.result() == 1
