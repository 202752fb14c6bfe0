"""`graphdaemon sync`: the command line, what it prints and how it ends."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from graphdaemon.sync.webhook import sign
from tests.support.listing_world import people
from tests.support.pretend_graph import PretendGraph
from tests.support.pretend_graph_server import serving
from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import Answer, ScriptedServer


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "directory.db"


def count_rows(store: Path, view: str = "users") -> int:
    with closing(sqlite3.connect(store)) as connection:
        (number,) = connection.execute(f'SELECT count(*) FROM "{view}"').fetchone()
    assert isinstance(number, int)
    return number


def test_a_collection_is_synced_into_the_store(
    command: Command, parameters: WriteParameters, store: Path
) -> None:
    """A line for each collection; run again, it is a round without a change."""
    path = parameters()

    first = command("sync", path, "users", "--store", f"sqlite:{store}")
    second = command("sync", path, "users", "--store", f"sqlite:{store}")

    assert (first.code, first.out) == (0, b"")
    assert first.err.startswith("users: 250 rows, 250 created (baseline, ")
    assert second.err.startswith("users: 250 rows, no change (round, 1 request, ")
    assert command("sync", path, "users", "--store", f"sqlite:{store}", "--quiet").err == ""
    assert count_rows(store) == 250


def test_by_default_everything_readable_is_synced_to_a_file_here(
    command: Command, parameters: WriteParameters
) -> None:
    """What the app may not read is said, and is no failure."""
    path = parameters()

    done = command("sync", path)

    assert done.code == 0
    assert count_rows(Path("graphdaemon.db")) == 250
    assert "groups: left out, the app lacks GroupMember.Read.All" in done.err


def test_a_collection_that_was_named_must_be_readable(
    command: Command, parameters: WriteParameters, store: Path
) -> None:
    """Exit code 5, after the others were synced."""
    done = command("sync", parameters(), "groups", "USERS", "--store", f"sqlite:{store}")

    assert done.code == 5
    assert count_rows(store) == 250
    assert "403" in done.err


def test_what_concerns_every_collection_is_said_once(
    command: Command, parameters: WriteParameters, tmp_path: Path
) -> None:
    done = command("sync", parameters(ca_file=str(tmp_path / "none.pem")))

    assert done.code == 3
    assert done.err.count("Error:") == 1


def test_the_selected_properties_are_kept(
    command: Command, parameters: WriteParameters, store: Path
) -> None:
    """Of several options the properties add up, and id is always among them."""
    command(
        *("sync", parameters(), "users", "--store", f"sqlite:{store}"),
        *("--select", "users=displayName,mail", "--select", "users=jobTitle"),
    )

    with closing(sqlite3.connect(store)) as connection:
        (text,) = connection.execute("SELECT document FROM users LIMIT 1").fetchone()
    assert json.loads(text).keys() == {"id", "displayName", "mail", "jobTitle"}


def test_properties_are_selected_in_any_case(
    command: Command, parameters: WriteParameters, store: Path
) -> None:
    """What changes of them is followed all the same; selected otherwise is the same selection."""
    path, target = parameters(), ("users", "--store", f"sqlite:{store}")
    command("sync", path, *target, "--select", "users=DisplayName,MAIL")

    done = command("sync", path, *target, "--select", "users=displayname,mail")

    assert "no change (round, 1 request" in done.err
    with closing(sqlite3.connect(store)) as connection:
        (selected,) = connection.execute("SELECT selected FROM links").fetchone()
    assert json.loads(selected) == ["id", "displayName", "mail"]


def test_the_report_is_json(
    command: Command, parameters: WriteParameters, store: Path, tmp_path: Path
) -> None:
    """The same on standard output and in a file."""
    proof = tmp_path / "report.json"
    done = command(
        *("sync", parameters(), "users", "--store", f"sqlite:{store}", "--json", "--proof", proof)
    )

    report = json.loads(done.out)
    assert json.loads(proof.read_bytes()) == report
    assert report["store"] == f"sqlite:{store}"
    (record,) = report["collections"]
    assert (record["how"], record["rows"]) == ("baseline", 250)
    assert record["listing"]["verdict"] == "complete"
    assert "deltatoken" not in done.out.decode()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("user",), "Did you mean users?"),
        (("group/members",), "Did you mean groups/members?"),
        (("no.json", "users", "other.json"), "The collections are users, "),
        (("--select", "users"), "Write it like --select users=displayName,mail."),
        (("--select", "user=mail"), "Did you mean users?"),
        (("--select", "users=*"), "Write whole names of properties"),
        (("--select", "users=Manager"), "graphdaemon sync users users/manager."),
        (("--select", "groups=memberOf"), "memberOf leads to other objects and is not a property"),
        (("--select", "groups/members=id"), "Leave the option out."),
        (("devices", "--select", "users=mail"), "Add users to the collections"),
        (("--reconcile-every", "7"), "Write a time such as --reconcile-every 7d"),
        (("--allow-deletes", "many"), "Write --allow-deletes 500"),
        (("--polite", "0.3"), "such as 30%"),
    ],
)
def test_a_mistake_is_said_before_anything_is_sent(
    command: Command, parameters: WriteParameters, arguments: tuple[str, ...], said: str
) -> None:
    """Exit code 2, the next step, and no store is made."""
    parameters()

    done = command("sync", *arguments)

    assert done.code == 2
    assert said in done.err
    assert not Path("graphdaemon.db").exists()


def test_the_store_is_no_other_file_of_the_command(
    command: Command, parameters: WriteParameters
) -> None:
    """Or the settings would be overwritten by a database."""
    path = parameters()

    done = command("sync", path, "--store", f"sqlite:{path}")

    assert (done.code, "are the same file" in done.err) == (2, True)
    assert path.read_text().startswith("{")


@pytest.fixture
def world() -> PretendGraph:
    """Five users who can change."""
    return PretendGraph(people(5))


def change(world: PretendGraph) -> None:
    world.put({"userPrincipalName": "new", "displayName": "New"})
    world.remove(next(iter(world.directory)))


def test_changes_are_told_in_a_file_and_on_standard_output(
    command: Command, world: PretendGraph, tmp_path: Path
) -> None:
    """Each feed has its own place: what one was told, the other is told too."""
    feed = tmp_path / "changes.ndjson"
    with serving(world) as server:
        path = server.write_parameters(tmp_path)
        command("sync", path, "users", "--feed", feed)
        change(world)
        command("sync", path, "users", "--feed", feed)
        done = command("sync", path, "users", "--feed", "-")

    assert done.out == feed.read_bytes()
    kinds = {json.loads(line)["kind"] for line in done.out.splitlines()}
    assert kinds == {"created", "removed"}


def test_changes_are_sent_to_an_address(
    command: Command,
    world: PretendGraph,
    scripted: ScriptedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over TLS, signed with the secret of the environment, without the token for Graph."""
    monkeypatch.setenv("GRAPHDAEMON_FEED_SECRET", "a secret of ours")
    scripted.script = [Answer(204)]
    with serving(world) as server:
        both = tmp_path / "authorities.pem"
        path = server.write_parameters(tmp_path)
        both.write_bytes(server.ca_file.read_bytes() + scripted.ca_file.read_bytes())
        monkeypatch.setenv("GRAPHDAEMON_CA_FILE", str(both))
        command("sync", path, "users")
        change(world)
        done = command("sync", path, "users", "--feed", f"{scripted.url}/hook")

    assert done.code == 0, done.err
    request = scripted.only_request
    assert (request.method, request.target) == ("POST", "/hook")
    assert request.headers["webhook-signature"] == sign(
        b"a secret of ours",
        request.headers["webhook-id"],
        request.headers["webhook-timestamp"],
        request.body,
    )
    assert "authorization" not in request.headers
    assert len(json.loads(request.body)["data"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--feed", "https://receiver.example/"), 3, "GRAPHDAEMON_FEED_SECRET"),
        (("--feed", "http://receiver.example/"), 2, "Begin the address with https://"),
        (("--feed", "-", "--json"), 2, "--proof FILE"),
        (("--feed-patience", "long"), 2, "Write a time such as --feed-patience 7d"),
    ],
)
def test_a_feed_that_cannot_be_is_refused(
    command: Command,
    parameters: WriteParameters,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    """Before anything is sent."""
    done = command("sync", parameters(), "users", *arguments)

    assert (done.code, said in done.err) == (code, True), done.err


def test_a_feed_over_http_is_refused(
    command: Command, parameters: WriteParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it tells is who is in the directory."""
    monkeypatch.setenv("GRAPHDAEMON_FEED_SECRET", "a secret of ours")

    done = command("sync", parameters(), "users", "--feed", "http://receiver.example/")

    assert (done.code, "https://" in done.err) == (2, True)


def test_the_delete_guard_lists_what_would_go(command: Command, tmp_path: Path) -> None:
    """Exit code 9, the first twenty with their names, how many more; and the option that helps."""
    world = PretendGraph(people(40))
    with serving(world) as server:
        path = server.write_parameters(tmp_path)
        command("sync", path, "users")
        for key in list(world.directory)[:25]:
            world.remove(key)
        done = command("sync", path, "users")
        kept = count_rows(Path("graphdaemon.db"))
        allowed = command("sync", path, "users", "--allow-deletes", "25")

    assert (done.code, kept) == (9, 40)
    listed = [line for line in done.err.splitlines() if line.startswith("  ")]
    assert len(listed) == 21
    assert listed[0].split()[1].startswith("N")
    assert listed[-1] == "  … and 5 more"
    assert "25 of 40 rows would be deleted at once; nothing was changed" in done.err
    assert "--allow-deletes 25" in done.err
    assert (allowed.code, count_rows(Path("graphdaemon.db"))) == (0, 15)


def test_drift_is_said(command: Command, world: PretendGraph, tmp_path: Path) -> None:
    """Which rows had drifted though nothing had been told of them, and that they were repaired."""
    with serving(world) as server:
        path = server.write_parameters(tmp_path)
        command("sync", path, "users")
        key = next(iter(world.directory))
        # Not by `put`, which would note the change for the delta to tell.
        world.directory[key] = world.directory[key] | {"displayName": "Untold"}
        done = command("sync", path, "users", "--reconcile")

    assert done.code == 0
    assert (
        f"users: 1 row had drifted, and was repaired (0 missing, 0 too many, 1 different): {key}"
        in done.err
    )
