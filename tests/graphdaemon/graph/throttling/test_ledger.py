"""Where the bucket is kept: a file of this host, or a remote store."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from graphdaemon.errors import OutputError, UsageError
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.throttling.bucket import WINDOW_S, Bucket, Totals
from graphdaemon.graph.throttling.budget import Budget
from graphdaemon.graph.throttling.ledger import FileLedger, RemoteLedger
from tests.support import virtual_time
from tests.support.budget_world import make_world, swarm
from tests.support.foreign_files import FOREIGN, look_at
from tests.support.full_disk import no_file_larger_than


def test_two_processes_share_a_budget_by_a_file(tmp_path: Path) -> None:
    """Each sees what the other used."""
    path = tmp_path / "deep" / "budget"
    world = make_world(800)
    budgets = [Budget(ledger=FileLedger(path), now=virtual_time.now) for _ in range(2)]
    graphs = [Graph(world, world, budget=budget) for budget in budgets]

    virtual_time.run(swarm(graphs, 60, workers=20))

    assert world.units >= 0.95 * (800 + 80 * 60)
    assert world.refused_in_a_row <= 1
    assert budgets[0].unit_limit == budgets[1].unit_limit


CHILD = """
import sys
import time
from itertools import pairwise
from pathlib import Path
from graphdaemon.graph.throttling.ledger import FileLedger
ledger = FileLedger(Path(sys.argv[1]))
for _ in range(300):
    with ledger.open() as bucket:
        bucket.used += 1
"""


def test_processes_do_not_lose_each_others_units(tmp_path: Path) -> None:
    """Three at once, 300 units each, are 900."""
    path = tmp_path / "budget"
    children = [subprocess.Popen([sys.executable, "-c", CHILD, str(path)]) for _ in range(3)]

    assert [child.wait(60) for child in children] == [0, 0, 0]
    with FileLedger(path).open() as bucket:
        assert bucket.used == 900


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A folder is no file."""
    with pytest.raises(OutputError) as caught:
        FileLedger(tmp_path)

    assert caught.value.code == "budget_file_unusable"


def test_a_refusal_is_still_known_when_the_file_is_read_again(tmp_path: Path) -> None:
    """Also a first refusal at a low rate, which is probably noise."""
    with FileLedger(tmp_path / "budget").open() as bucket:
        bucket.refuse(7, 100.0, 20.0)

    with FileLedger(tmp_path / "budget").open() as bucket:
        assert (bucket.rate, bucket.refusals, bucket.paused_until) == (20, 1, 107)


@pytest.mark.parametrize("content", ["", '{"ra', '{"rate":', '{"rate":1.5,"level":'])
def test_a_file_that_was_cut_off_is_an_empty_bucket(tmp_path: Path, content: str) -> None:
    """A disk was full, or the power failed."""
    path = tmp_path / "budget"
    path.write_text(content)

    with FileLedger(path).open() as bucket:
        assert bucket == Bucket()


@pytest.mark.parametrize("content", ["0}", "-5}", '1,"level":-1}', "1e999}", "[" * 3_000])
def test_a_file_with_absurd_numbers_is_an_empty_bucket(tmp_path: Path, content: str) -> None:
    """A rate of nothing would stop every process for ever."""
    path = tmp_path / "budget"
    path.write_text(f'{{"rate":{content}')

    with FileLedger(path).open() as bucket:
        assert bucket == Bucket()


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_budget_file_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    """`budget_file` may name the wrong file."""
    path = tmp_path / "budget"
    FOREIGN[name](path)
    before = look_at(path)

    with pytest.raises(UsageError, match="is not a budget file") as caught:
        FileLedger(path)

    assert caught.value.code == "file_foreign"
    assert look_at(path) == before


def test_a_file_that_was_replaced_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    """Somebody writes something else into it while processes share it."""
    path = tmp_path / "budget"
    ledger = FileLedger(path)
    path.write_text("notes")

    with pytest.raises(UsageError, match="is not a budget file"), ledger.open():
        pass

    assert path.read_text() == "notes"


def test_the_file_is_its_owners_alone_with_its_folders(tmp_path: Path) -> None:
    """Whatever the umask; one that others could write to is closed to them."""
    path = tmp_path / "deep" / "deeper" / "budget"
    umask = os.umask(0)
    try:
        FileLedger(path)
    finally:
        os.umask(umask)
    path.chmod(0o666)

    FileLedger(path)

    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


@pytest.mark.parametrize("room", [0, 100])
def test_a_full_disk_is_one_error(tmp_path: Path, room: int) -> None:
    """Told of before anything is asked of Graph."""
    path = tmp_path / "budget"

    with (
        no_file_larger_than(room),
        pytest.raises(OutputError, match="cannot be used: File too large") as caught,
    ):
        FileLedger(path)

    assert (caught.value.code, caught.value.exit_code) == ("budget_file_unusable", 7)
    with FileLedger(path).open() as bucket:
        assert bucket == Bucket()


class Store:
    """The totals as a store keeps them; `broken` makes it a store that cannot be reached."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.broken = False

    def exchange(self, mine: Totals) -> Totals:
        if self.broken:
            raise OSError("no route to the store")
        old = self.totals
        self.totals = Totals(
            old.used + mine.used,
            old.refusals + mine.refusals,
            max(old.pause, mine.pause),
            old.rate if mine.rate is None else mine.rate,
            old.level + mine.used,
        )
        return self.totals


def pause(hurry: threading.Event, _: float) -> None:
    """A clock that stands still: nothing is due, and whoever is in a hurry does not wait."""
    hurry.wait()


def make_ledgers(store: Store, now: float = 100.0) -> tuple[RemoteLedger, RemoteLedger]:
    one, two = (RemoteLedger(store.exchange, lambda: now, pause) for _ in range(2))
    for ledger in (one, two):
        ledger.compare()
    return one, two


def test_units_used_elsewhere_count_here() -> None:
    """What one adds to the store, the other finds in its bucket."""
    one, two = make_ledgers(Store())
    with one.open() as bucket:
        bucket.rate = 80.0
        bucket.take(30, 100)
        bucket.used += 30
    one.compare()
    two.compare()

    with two.open() as bucket:
        assert (bucket.used, bucket.level, bucket.rate) == (30, 30, 80)
    two.compare()
    with one.open() as bucket:
        assert bucket.used == 30, "one's own units are not counted twice"


def test_all_wait_when_one_was_told_to() -> None:
    """A refusal is everybody's, and so is the rate that it showed."""
    one, two = make_ledgers(Store())
    with one.open() as bucket:
        bucket.refuse(7, 100, 80.0)
    one.compare()
    two.compare()

    with two.open() as bucket:
        assert bucket.refusals == 1
        assert bucket.paused_until == 107
        assert bucket.level == 80 * WINDOW_S
        assert bucket.take(1, 100) >= 107


def test_a_store_that_is_gone_is_told_once_and_does_no_harm(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The process goes by its own books, and tells of everything when the store is back."""
    store = Store()
    ledger, _ = make_ledgers(store)
    store.broken = True
    for _ in range(3):
        with ledger.open() as bucket:
            bucket.used += 10
        ledger.compare()
    store.broken = False
    ledger.compare()

    assert store.totals.used == 30
    assert caplog.text.count("this process keeps its own: no route to the store") == 1


def test_a_store_that_was_emptied_begins_anew() -> None:
    """Nothing is taken back of what was used before."""
    store = Store()
    one, two = make_ledgers(store)
    with one.open() as bucket:
        bucket.used += 50
    one.compare()
    store.totals = Totals()
    with two.open() as bucket:
        bucket.used += 5
    two.compare()
    one.compare()

    with one.open() as bucket:
        assert bucket.used == 50
    assert store.totals.used == 5


def test_nobody_waits_for_the_store() -> None:
    """A store that does not answer holds nothing up."""
    asked, answer = threading.Event(), threading.Event()

    def exchange(mine: Totals) -> Totals:
        asked.set()
        answer.wait(120)
        return mine

    ledger = RemoteLedger(exchange)
    with ledger.open():
        pass
    assert asked.wait(60)
    with ledger.open() as bucket:
        bucket.used += 1
    answer.set()


def test_a_rate_that_one_learnt_is_known_to_all() -> None:
    """Told once: what others learn later is not undone by it."""
    store = Store()
    one, two = make_ledgers(store)
    with one.open() as bucket:
        bucket.rate = 80.0
    one.compare()
    two.compare()
    with two.open() as bucket:
        bucket.rate = 70.0
    two.compare()
    one.compare()
    two.compare()

    assert store.totals.rate == 70
    for ledger in (one, two):
        with ledger.open() as bucket:
            assert bucket.rate == 70


def test_what_happens_during_a_comparison_is_told_in_the_next() -> None:
    """Units, refusals and a rate: nothing is lost, and nothing counts twice."""
    store, moment = Store(), 100.0

    def exchange(mine: Totals) -> Totals:
        common = store.exchange(mine)
        if mine.used == 5:
            with ledger.open() as bucket:
                bucket.used += 3
                bucket.refusals += 1
                bucket.rate = 60.0
        return common._replace(rate=50.0)

    ledger = RemoteLedger(exchange, lambda: moment, pause)
    ledger.compare()
    with ledger.open() as bucket:
        bucket.used += 5
    ledger.compare()
    with ledger.open() as bucket:
        assert (bucket.used, bucket.refusals, bucket.rate) == (8, 1, 60)
    ledger.compare()

    assert (store.totals.used, store.totals.refusals, store.totals.rate) == (8, 1, 60)


def test_who_comes_later_finds_the_bucket_as_full_as_it_is() -> None:
    """What it has used itself before the first comparison is in it already."""
    store = Store()
    store.totals = Totals(used=500, refusals=7, pause=3, rate=80, level=200)
    ledger = RemoteLedger(store.exchange, lambda: -1.0, pause)
    with ledger.open() as bucket:
        bucket.take(30, -1.0)
        bucket.used += 30
    ledger.compare()

    with ledger.open() as bucket:
        assert (bucket.level, bucket.used, bucket.refusals) == (230, 30, 0)
        assert (bucket.rate, bucket.paused_until) == (80, 2)

    store.totals = Totals()
    ledger = RemoteLedger(store.exchange, lambda: -1.0, pause)
    with ledger.open() as bucket:
        bucket.take(0, -1.0)
    ledger.compare()
    with ledger.open() as bucket:
        assert bucket.level == 0


def test_a_pause_is_told_as_what_is_left_of_it() -> None:
    """Clocks differ between hosts."""
    store, moment = Store(), 100.0
    ledger = RemoteLedger(store.exchange, lambda: moment, pause)
    ledger.compare()
    with ledger.open() as bucket:
        bucket.pause(7, 100.0)
    moment = 103.0
    ledger.compare()
    assert store.totals.pause == 4
    store.totals = Totals()
    moment = 110.0
    ledger.compare()
    assert store.totals.pause == 0


@pytest.mark.parametrize(("broken", "seconds"), [(False, 0.2), (True, 10.0)], ids=["well", "gone"])
def test_the_store_is_not_troubled_all_the_time(*, broken: bool, seconds: float) -> None:
    """Five times a second at most; where it cannot be used, every ten seconds."""
    store, waits, turn = Store(), list[float](), threading.Semaphore(0)
    store.broken = broken

    def wait_for_turn(_: threading.Event, due: float) -> None:
        waits.append(due)
        turn.acquire()

    ledger = RemoteLedger(store.exchange, lambda: 100.0, wait_for_turn)
    for _ in range(2):
        before = set(threading.enumerate())
        for _ in range(3):
            with ledger.open() as bucket:
                bucket.used += 1
        (thread,) = set(threading.enumerate()) - before
        assert thread.daemon, "it keeps no program from ending"
        turn.release()
        thread.join(60)

    assert waits == [0, pytest.approx(seconds)]
    assert store.totals.used == (0 if broken else 6)


def test_what_was_used_last_is_told_without_another_request() -> None:
    """A process that is idle for minutes, or that is about to end, owes the others nothing."""
    store, due = Store(), threading.Semaphore(0)

    def exchange(mine: Totals) -> Totals:
        if mine.used == 5:
            with ledger.open() as bucket:
                bucket.used += 3
        return store.exchange(mine)

    ledger = RemoteLedger(exchange, lambda: 100.0, lambda *_: due.acquire())
    before = set(threading.enumerate())
    with ledger.open() as bucket:
        bucket.used += 5
    (thread,) = set(threading.enumerate()) - before
    due.release(2)
    thread.join(60)

    assert store.totals.used == 8, "also what was used during the comparison"


def test_who_settles_does_not_wait_until_it_is_due() -> None:
    """And finds it told."""
    store = Store()
    one, two = make_ledgers(store)
    with one.open() as bucket:
        bucket.used += 5
    one.settle()
    two.settle()

    assert store.totals.used == 5


def test_a_store_that_does_not_answer_does_not_hold_up_who_settles() -> None:
    """For long: a second, where nothing else is said."""
    answer, answered = threading.Event(), threading.Event()

    def exchange(mine: Totals) -> Totals:
        answer.wait(60)
        answered.set()
        return mine

    ledger = RemoteLedger(exchange)
    with ledger.open():
        pass
    ledger.settle(0.01)

    assert not answered.is_set()
    answer.set()


def test_nobody_waits_for_a_store_that_could_not_be_used() -> None:
    """The next comparison comes when it is due, settled or not."""
    store = Store()
    store.broken = True
    ledger = RemoteLedger(store.exchange, lambda: 100.0, lambda hurry, due: due and hurry.wait())
    before = set(threading.enumerate())
    with ledger.open() as bucket:
        bucket.used += 1
    (thread,) = set(threading.enumerate()) - before
    thread.join(60)
    store.broken = False
    with ledger.open() as bucket:
        bucket.used += 1
    ledger.settle(60)

    assert store.totals.used == 0


FORKED = """
import os, sys
from graphdaemon.graph.throttling.ledger import RemoteLedger
told = []
def exchange(mine):
    told.append(mine.used)
    return mine
ledger = RemoteLedger(exchange, pause=lambda hurry, due: hurry.wait())
with ledger.open():
    pass
if os.fork() == 0:
    with ledger.open() as bucket:
        bucket.used += 5
    ledger.settle()
    os._exit(told != [5])
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_a_process_that_was_forked_compares_too() -> None:
    """The thread of its parent is not there."""
    assert subprocess.run([sys.executable, "-c", FORKED], timeout=60, check=False).returncode == 0
