"""A listing that is stopped at any instant goes on, and its output is exact."""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from graphdaemon.errors import OutputError, UsageError
from graphdaemon.graph.page import Page
from graphdaemon.graph.query import Query
from graphdaemon.listing.chain import Chain, ChainPage
from graphdaemon.listing.journal import Journal, check_journal, remove_journal
from graphdaemon.listing.options import ListingOptions
from tests.support.foreign_files import FOREIGN, SPECIAL, look_at
from tests.support.full_disk import no_file_larger_than
from tests.support.graph_answers import raw
from tests.support.listing_world import list_world
from tests.support.pretend_graph import DEFAULT, Lies, PretendGraph, Weather
from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer, page


def make_world(count: int = 80, **about: object) -> PretendGraph:
    draws = random.Random(count)
    people = [
        {"userPrincipalName": f"{draws.choice('abcxyz')}{number}", "displayName": f"N{number}"}
        for number in range(count)
    ]
    return PretendGraph(people, **about)  # type: ignore[arg-type]  # what a test says about it


def test_what_was_read_is_not_read_again(tmp_path: Path) -> None:
    """Half of the pages were there: the other half is asked for."""
    journal = tmp_path / "journal"
    options = ListingOptions(journal=journal, page_size=5, method="chain")
    world = make_world(100)

    with pytest.raises(KeyboardInterrupt):
        list_world(world, options=options, watch=interrupt_after(10))
    before = len(world.requests)
    outcome = list_world(world, options=options)

    assert outcome.proved.verdict == "complete"
    assert outcome.written == world.shown()
    assert len(world.requests) - before < 15
    assert "50 records were kept" in outcome.proved.notes[0]


@pytest.mark.parametrize(
    ("defaults", "kept", "verdict"),
    [
        (DEFAULT, True, "complete"),
        # An earlier version, which knows of fewer properties.
        (DEFAULT[1:], False, "complete"),
        ((), True, "unproved"),
    ],
    ids=["the same", "fewer", "none"],
)
def test_what_the_delta_follows_is_kept_with_its_link(
    tmp_path: Path, defaults: tuple[str, ...], kept: bool, verdict: str
) -> None:
    """Only what was selected then is told; where that is less than is shown, it starts again."""
    options = ListingOptions(journal=tmp_path / "journal", page_size=5, method="chain")
    world = make_world(100)
    for one in list(world.directory):
        world.put({"id": one, "accountEnabled": True})
    query = Query(filter="accountEnabled eq true")
    with pytest.raises(KeyboardInterrupt):
        list_world(world, query, options, watch=interrupt_after(10), defaults=defaults)
    world.put({"id": min(world.directory), "accountEnabled": False})
    # What was never set is not told, and only what is selected is known not to be set.
    world.put({"userPrincipalName": "zoe"})

    outcome = list_world(world, query, options, defaults=DEFAULT if defaults else ())

    assert any("were kept" in one for one in outcome.proved.notes) is kept
    assert outcome.proved.verdict == verdict, outcome.proved.why
    assert outcome.written == world.shown((), query.filter or "")


def interrupt_after(pages: int) -> Callable[[], None]:
    left = [pages]

    def watch() -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    return watch


def test_the_last_page_alone_is_not_the_whole(tmp_path: Path) -> None:
    """One answer proves itself only where it is all there ever was: here others came before it."""
    options = ListingOptions(journal=tmp_path / "journal", page_size=5, method="chain")
    world = make_world(100, lies=Lies(no_delta=True))
    with pytest.raises(KeyboardInterrupt):
        list_world(world, options=options, watch=interrupt_after(19))
    world.remove(min(world.directory, key=lambda one: world.directory[one]["userPrincipalName"]))

    outcome = list_world(world, options=options)

    assert outcome.proved.pages == 1
    assert outcome.proved.verdict == "unproved"


def test_witnesses_are_remembered(tmp_path: Path) -> None:
    """What the first page of an earlier run showed still has to turn up in some part."""
    options = ListingOptions(journal=tmp_path / "journal", page_size=5, chains=1)
    world = make_world(100, by_id=True)
    first = min(world.directory)
    world.lies = Lies(withholds=lambda record: record["id"] == first, count=lambda _: 100)
    with pytest.raises(KeyboardInterrupt):
        list_world(world, options=options, watch=interrupt_after(9))

    outcome = list_world(world, options=options)

    assert outcome.proved.notes[-1].startswith("1 of the first records are in none of the parts")
    assert outcome.proved.verdict == "complete"
    assert outcome.written == world.shown()


def test_ranges_of_an_earlier_run_count(tmp_path: Path) -> None:
    """The account says how many cover everything, not how many this run still had to read."""
    world = make_world(200)
    whole = list_world(world, options=ListingOptions(page_size=5)).proved
    options = ListingOptions(page_size=5, journal=tmp_path / "journal")
    with pytest.raises(KeyboardInterrupt):
        list_world(world, options=options, watch=interrupt_after(whole.pages * 2 // 3))

    resumed = list_world(world, options=options).proved

    assert resumed.verdict == "complete"
    assert resumed.pages < whole.pages
    assert resumed.ranges > whole.ranges * 2 // 3


def test_a_finished_listing_goes_on_from_its_delta(tmp_path: Path) -> None:
    """Nothing is lost if the output was not put in its place: the journal knows all of it."""
    journal = tmp_path / "journal"
    options = ListingOptions(journal=journal, page_size=5)
    world = make_world(50)
    list_world(world, options=options)
    for _ in range(20):
        world.change()

    outcome = list_world(world, options=options)

    assert outcome.proved.verdict == "complete"
    assert outcome.written == world.shown()


def test_a_journal_that_is_too_old_is_begun_anew(tmp_path: Path) -> None:
    """A delta link lives a week; without one nothing would tell what changed since."""
    journal = tmp_path / "journal"
    options = ListingOptions(journal=journal, page_size=5)
    world = make_world(50)
    list_world(world, options=options)
    world.lies.dead_delta = True

    outcome = list_world(world, options=options)

    assert outcome.twice == []
    assert outcome.written == world.shown()
    assert "too old" in outcome.proved.notes[0]


def test_the_journal_of_something_else_is_refused(tmp_path: Path) -> None:
    """Two listings do not become one."""
    journal = tmp_path / "journal"
    world = make_world(5)
    list_world(world, options=ListingOptions(journal=journal))

    outcome = list_world(world, Query(("displayName",)), ListingOptions(journal=journal))

    assert isinstance(outcome.error, UsageError)
    assert outcome.error.code == "journal_mismatch"


@pytest.mark.parametrize(
    ("owner", "words"), [("b", "its owner is a"), ("", "its owner is a")], ids=["other", "nobody"]
)
def test_the_journal_of_another_directory_is_refused(
    tmp_path: Path, owner: str, words: str
) -> None:
    """What differs is named, and what it was then."""
    path = tmp_path / "journal"
    journal = Journal(path, {"collection": "users", "owner": "a"})
    journal.begin(None)
    journal.close()

    with pytest.raises(UsageError, match=words):
        Journal(path, {"collection": "users", "owner": owner})


def test_a_journal_that_says_nothing_of_something_is_refused(tmp_path: Path) -> None:
    """It is of a listing that was asked less."""
    path = tmp_path / "journal"
    journal = Journal(path, {"collection": "users"})
    journal.begin(None)
    journal.close()

    with pytest.raises(UsageError, match="its owner is none"):
        Journal(path, {"collection": "users", "owner": "a"})


HEAD = b'#{"head":{}}\n'
SPOILT = {
    "a page of no chain": HEAD + b'#{"page":7}\n',
    "no JSON": HEAD + b"#{\n",
    "no hexadecimal": HEAD + b'#{"shard":0}\n#{"page":0,"witnesses":["zz"]}\n',
}


@pytest.mark.parametrize("lines", SPOILT.values(), ids=SPOILT)
def test_a_journal_that_makes_no_sense_is_told_of(tmp_path: Path, lines: bytes) -> None:
    """Its checksums are right: another program wrote it."""
    path = tmp_path / "journal"
    path.write_bytes(lines + b'#{"commit":%d}\n' % zlib.crc32(lines))

    with pytest.raises(OutputError, match="it is not a journal") as caught:
        Journal(path, {})

    assert caught.value.code == "journal_unusable"


def take_page(journal: Journal, chain: Chain, records: list[msgspec.Raw]) -> None:
    chain.count_page(Page(records, None, None))
    chain_page = ChainPage(chain, Page(records, None, None), False, "next", chain.pages_in_all)
    journal.take(chain_page, records)


def test_a_page_is_committed_half_a_second_after_the_last_or_when_it_is_large(
    tmp_path: Path,
) -> None:
    """Each commit waits for the disk; what was read since is read again after a kill."""
    path, times = tmp_path / "journal", [100.0]
    journal = Journal(path, {}, lambda: times[-1])
    journal.begin(None)
    chain = Chain()
    journal.add(chain)
    small, large = [raw({"id": "1"})], [raw({"id": "2", "text": "x" * 8_000_000})]
    commits = []
    for time, records in ((100.2, small), (100.4, small), (100.5, small), (100.6, large)):
        times.append(time)
        take_page(journal, chain, records)
        commits.append(path.read_bytes().count(b'#{"commit"'))
    journal.close()

    assert commits == [1, 1, 2, 3]


def test_a_record_of_many_lines_is_kept_in_one(tmp_path: Path) -> None:
    """Every other comes back byte by byte as Graph sent it."""
    journal = Journal(tmp_path / "journal", {})
    journal.begin(None)
    chain = Chain()
    journal.add(chain)
    take_page(journal, chain, [msgspec.Raw(b'{ "id":"1" }'), msgspec.Raw(b'{\n  "id": "2"\n}')])
    journal.commit()

    (records,) = journal.records()
    journal.close()

    assert [bytes(record) for record in records] == [b'{ "id":"1" }', b'{"id":"2"}']


def test_two_runs_do_not_share_a_journal(tmp_path: Path) -> None:
    """The second one is told who is there."""
    journal = Journal(tmp_path / "journal", {})

    with pytest.raises(UsageError) as caught:
        Journal(tmp_path / "journal", {})

    assert caught.value.code == "journal_busy"
    journal.close()


@pytest.mark.parametrize("name", [*FOREIGN, "link to a device"])
def test_what_is_no_journal_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    """Not read as one, not cut, not removed."""
    path = tmp_path / "journal"
    (FOREIGN | SPECIAL)[name](path)
    before = look_at(path)

    for use in (
        lambda: Journal(path, {}),
        lambda: check_journal(path),
        lambda: remove_journal(path),
    ):
        with pytest.raises(UsageError, match="is not a journal of graphdaemon") as caught:
            use()
        assert caught.value.code == "file_foreign"

    assert look_at(path) == before


@pytest.mark.parametrize("name", ["folder", "pipe"])
def test_what_is_no_file_is_no_journal(tmp_path: Path, name: str) -> None:
    """Nobody waits for the other end of a pipe."""
    path = tmp_path / "journal"
    SPECIAL[name](path)
    before = look_at(path)

    with pytest.raises((OutputError, UsageError)):
        Journal(path, {})

    assert look_at(path) == before


@pytest.mark.parametrize("content", [b"", HEAD[:4], HEAD, HEAD + b'#{"commit":1}\n'])
def test_a_journal_that_was_cut_off_in_its_beginning_is_begun_anew(
    tmp_path: Path, content: bytes
) -> None:
    """A run that was killed in its first moment left nothing to go on with."""
    path = tmp_path / "journal"
    path.write_bytes(content)

    journal = Journal(path, {})
    journal.close()

    assert not journal.resumed


def test_a_listing_that_failed_before_its_first_page_leaves_a_place_for_a_journal(
    tmp_path: Path,
) -> None:
    """Nothing was begun, and so nothing is written that the next run would take for foreign."""
    options = ListingOptions(journal=tmp_path / "journal")
    world = make_world(weather=Weather(lost=1))
    failed = list_world(world, options=options)
    world.weather.lost = 0

    outcome = list_world(world, options=options)

    assert failed.error is not None
    assert failed.error.code == "connection_lost"
    assert outcome.proved.verdict == "complete"


def test_the_journal_of_another_listing_is_left_as_it_is(tmp_path: Path) -> None:
    """Even what a kill has left behind its last commit stays."""
    path = tmp_path / "journal"
    journal = Journal(path, {"collection": "users"})
    journal.begin(None)
    journal.close()
    path.write_bytes(path.read_bytes() + b"torn")
    path.chmod(0o644)
    before = look_at(path)

    with pytest.raises(UsageError):
        Journal(path, {"collection": "groups"})

    assert look_at(path) == before


def test_a_link_to_a_journal_is_followed_and_stays(tmp_path: Path) -> None:
    """What it leads to is written, and removed in the end."""
    link, target = tmp_path / "link", tmp_path / "elsewhere"
    link.symlink_to(target)
    journal = Journal(link, {})
    journal.begin(None)
    journal.close()
    assert target.read_bytes().startswith(b'#{"head"')

    remove_journal(link)

    assert link.is_symlink()
    assert not target.exists()


def test_a_journal_that_others_could_read_is_its_owners_alone_again(tmp_path: Path) -> None:
    """It may have been made by hand, or copied."""
    path = tmp_path / "journal"
    path.touch()
    path.chmod(0o666)

    Journal(path, {}).close()

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("room", [0, 10, 300])
def test_a_full_disk_is_one_error_and_what_was_committed_stays(tmp_path: Path, room: int) -> None:
    """The listing ends with a sentence; the next run goes on from the last commit."""
    path = tmp_path / "journal"
    journal = Journal(path, {})
    chain = Chain()
    journal.begin(None)
    journal.add(chain)
    take_page(journal, chain, [raw({"id": "1"})])
    journal.commit()
    committed = path.read_bytes()

    def take_much() -> None:
        for number in range(2, 5000):
            take_page(journal, chain, [raw({"id": f"{number}", "text": "x" * 1000})])

    with no_file_larger_than(len(committed) + room):
        with pytest.raises(OutputError, match="cannot be used: File too large") as caught:
            take_much()
        journal.close()

    assert (caught.value.code, caught.value.exit_code) == ("journal_unusable", 7)
    assert path.read_bytes().startswith(committed)
    again = Journal(path, {})
    assert again.resumed
    assert [bytes(record) for records in again.records() for record in records] == [b'{"id": "1"}']
    again.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_its_owner_reads_a_journal(tmp_path: Path) -> None:
    """It holds names and a delta link."""
    journal = Journal(tmp_path / "journal", {})
    journal.begin("https://graph.test/v1.0/users/delta?$deltatoken=x")
    journal.close()

    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0


def test_the_command_forgets_a_journal_whose_records_are_in_place(
    command: Command, parameters: WriteParameters, tmp_path: Path
) -> None:
    """It is kept as long as it may be needed, and no longer."""
    journal, output = tmp_path / "users.journal", tmp_path / "users.ndjson"

    done = command("list", "users", parameters(), "--resume", journal, "--output", output)

    assert done.code == 0, done.err
    assert len(output.read_bytes().splitlines()) == 250
    assert not journal.exists()


def test_the_command_does_not_go_on_from_what_was_not_proved(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """Run again, it reads again: what it had read proved nothing."""

    def answer(request: Request) -> Answer:
        if "$count" in request.target:
            return json_answer({}, 404)
        if "$skiptoken" in request.target:
            return page({"id": "2"})
        return page({"id": "1"}, next_link=f"{scripted.url}/v1.0/things?$skiptoken=1")

    scripted.script = answer
    journal = tmp_path / "things.journal"

    done = command("list", "things", scripted.write_parameters(tmp_path), "--resume", journal)

    assert done.code == 8, done.err
    assert not journal.exists()
