"""A certificate is replaced while everything runs, wherever the replacing is interrupted."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from graphdaemon.auth.key_files import make_key_pair, read_key_pair
from graphdaemon.errors import Error, IdentityError, SettingsError, UsageError
from graphdaemon.http.transport import Transport
from graphdaemon.registration import rotation as module
from graphdaemon.registration.rotation import Rotation, RotationJournal
from graphdaemon.settings.read import read_settings
from graphdaemon.settings.setting import Secret
from graphdaemon.sharing import draft, private_files
from graphdaemon.sharing.file_lock import hold_lock
from tests.support.certificates_and_assertions import make_small_pair
from tests.support.foreign_files import look_at
from tests.support.full_disk import no_file_larger_than
from tests.support.run_command import Command
from tests.support.scripted_key_tenant import OBJECT_ID, Registry
from tests.support.scripted_server import Answer, Request, ScriptedServer

# Of the token service's double, which checks assertions made with short keys.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")

PASSPHRASE = Secret("open sesame")


@pytest.fixture(scope="module")
def pairs() -> list[tuple[str, bytes]]:
    return [make_small_pair(f"app {number}") for number in range(3)]


class Site:
    """A folder with the settings and the key file, and the tenant that knows the key."""

    def __init__(
        self, folder: Path, server: ScriptedServer, pairs: list[tuple[str, bytes]]
    ) -> None:
        self.folder, self.server, self.pairs = folder, server, pairs
        self.registry = Registry(server, pairs[0][1])
        self.key_file = folder / "app.pem"
        self.said: list[str] = []
        self.waits: list[float] = []
        self.object_id: str | None = None
        self.transport = Transport(ca_file=server.ca_file, timeout=60)
        self.made = 0
        self.restore()

    def restore(self) -> None:
        """As it was before: one key, in file and tenant."""
        for path in self.folder.glob("app.pem*"):
            path.unlink()
        self.key_file.write_text(self.pairs[0][0])
        self.key_file.chmod(0o640)
        self.registry = Registry(self.server, self.pairs[0][1])
        self.made = 0

    def rotate(self, **settings: Any) -> RotationJournal:
        values = self.server.settings(secret=None, private_key_file=str(self.key_file)) | settings
        read = read_settings(None, {}, {name: v for name, v in values.items() if v is not None})
        return Rotation(
            read,
            self.transport,
            object_id=self.object_id,
            make=self.make,
            say=self.said.append,
            sleep=self.waits.append,
        ).run()

    def make(self, passphrase: Secret | None) -> str:
        if passphrase is not None:
            return make_key_pair("app", passphrase=passphrase)[0]
        self.made += 1
        return self.pairs[1 + self.made % 2][0]

    def state(self) -> object:
        """All that a later run can find."""
        files = {path.name: path.read_bytes() for path in self.folder.glob("app.pem*")}
        return files, self.registry.thumbprints

    @property
    def thumbprint(self) -> str | None:
        return read_key_pair(self.key_file).certificate.thumbprint


@pytest.fixture
def site(
    tmp_path: Path, scripted: ScriptedServer, pairs: list[tuple[str, bytes]]
) -> Iterator[Site]:
    made = Site(tmp_path, scripted, pairs)
    yield made
    made.transport.close()


def test_the_new_key_replaces_the_old_everywhere(site: Site) -> None:
    """In the tenant and in the file there is the new one alone; the old file is kept aside."""
    before = site.key_file.read_text()

    journal = site.rotate()

    assert journal.step == "done"
    assert site.registry.thumbprints == [site.thumbprint] == [journal.new]
    assert (site.folder / "app.pem.old").read_text() == before
    assert not (site.folder / "app.pem.new").exists()
    assert site.key_file.stat().st_mode & 0o777 == 0o640
    for name in ("app.pem.old", "app.pem.rotation"):
        assert (site.folder / name).stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in (site.folder / "app.pem.rotation").read_text()


def test_a_second_rotation_is_a_new_one(site: Site) -> None:
    """What the first one wrote down does not stand in its way."""
    first = site.rotate()

    second = site.rotate()

    assert second.old == first.new
    assert site.registry.thumbprints == [second.new] == [site.thumbprint]


def test_replication_is_waited_out(site: Site) -> None:
    """Until the new key has got everywhere the old one stays in use."""
    site.registry.delay = 5

    site.rotate()

    assert site.waits == [2, 4, 8, 15, 30]
    assert site.registry.thumbprints == [site.thumbprint]


def test_a_key_that_is_never_accepted_is_never_switched_to(site: Site) -> None:
    """After ten minutes it ends, with everything working; run again, it goes on."""
    site.registry.delay = 30
    before = site.thumbprint

    with pytest.raises(IdentityError) as caught:
        site.rotate()

    assert caught.value.code == "rotation_unproved"
    assert sum(site.waits) > 600
    assert site.thumbprint == before
    assert len(site.registry.keys) == 2

    journal = site.rotate()
    assert site.registry.thumbprints == [journal.new] == [site.thumbprint]
    assert site.said.count("Added it to the app.") == 1


def test_without_any_permission_it_works_with_the_object_id(site: Site) -> None:
    """The first old key stays, named for whoever deletes it; from then on its ID is known."""
    site.registry.readable = False
    site.object_id = OBJECT_ID

    first = site.rotate()

    assert site.registry.thumbprints == [first.old, first.new]
    assert f"thumbprint {first.old}" in site.said[-1]
    second = site.rotate()
    assert site.registry.thumbprints == [first.old, second.new]


def test_without_permission_and_object_id_nothing_is_begun(site: Site) -> None:
    """It says where to find the ID; no key was added."""
    site.registry.readable = False

    with pytest.raises(SettingsError, match="--object-id is missing") as caught:
        site.rotate()

    assert "--object-id" in (caught.value.hint or "")
    assert len(site.registry.keys) == 1


def test_an_encrypted_key_stays_encrypted(site: Site) -> None:
    """With the same passphrase."""
    pem, der = make_key_pair("app", passphrase=PASSPHRASE)
    site.key_file.write_text(pem)
    site.registry = Registry(site.server, der)

    site.rotate(passphrase="open sesame")

    assert "ENCRYPTED" in site.key_file.read_text()
    pair = read_key_pair(site.key_file, passphrase=PASSPHRASE)
    assert site.registry.thumbprints == [pair.certificate.thumbprint]


IMPOSSIBLE = {
    "secret": ({"private_key_file": None, "secret": "s"}, "no certificate"),
    "thumbprint": ({"thumbprint": "AB" * 20}, "thumbprint is set"),
    "two files": ({"certificate_file": "c.pem"}, "file of its own"),
}


@pytest.mark.parametrize(("changes", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_cannot_be_rotated_is_refused_first(
    site: Site, changes: dict[str, Any], words: str
) -> None:
    """Nothing was made, added or written."""
    with pytest.raises(SettingsError, match=words) as caught:
        site.rotate(**changes)

    assert caught.value.code == "rotation_impossible"
    assert [path.name for path in site.folder.glob("app.pem*")] == ["app.pem"]


def test_a_file_that_cannot_be_replaced_by_pem_is_refused_whatever_it_is_called(site: Site) -> None:
    """Another program reads it, and expects what it was."""
    key = serialization.load_pem_private_key(site.pairs[0][0].encode(), None)
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    site.key_file.write_bytes(der)

    with pytest.raises(SettingsError, match="PFX file, or not PEM") as caught:
        site.rotate()

    assert caught.value.code == "rotation_impossible"
    assert site.key_file.read_bytes() == der


def test_a_key_file_that_is_not_there_is_named(site: Site) -> None:
    """Before anything is made."""
    with pytest.raises(SettingsError, match=r"nowhere\.pem does not exist") as caught:
        site.rotate(private_key_file="nowhere.pem")

    assert caught.value.code == "private_key_unreadable"


def test_bag_attributes_in_any_language_are_kept_in_the_old_file(site: Site) -> None:
    """Where the key was exported from a PFX they hold its friendly name."""
    before = f"Bag Attributes\n    friendlyName: Schlüssel ENCRYPTED\n{site.pairs[0][0]}".encode()
    site.key_file.write_bytes(before)

    site.rotate()

    assert (site.folder / "app.pem.old").read_bytes() == before


def test_a_damaged_journal_is_not_guessed_at(site: Site) -> None:
    """Nobody can say how far it got: a person has to look."""
    (site.folder / "app.pem.rotation").write_text("{")

    with pytest.raises(SettingsError, match="damaged"):
        site.rotate()


@pytest.mark.parametrize("ending", ["new", "old"])
@pytest.mark.parametrize("earlier", [False, True], ids=["first", "after another"])
def test_a_file_that_no_rotation_has_made_is_left_as_it_is(
    site: Site, ending: str, earlier: bool
) -> None:
    """It may be the only copy of somebody's key: nothing is begun."""
    if earlier:
        site.rotate()
    theirs = site.folder / f"app.pem.{ending}"
    theirs.write_text("a key of somebody's")
    before, known = look_at(theirs), site.registry.thumbprints

    with pytest.raises(SettingsError, match=f"{theirs} already exists") as caught:
        site.rotate()

    assert caught.value.code == "file_foreign"
    assert look_at(theirs) == before
    assert site.registry.thumbprints == known
    theirs.unlink()
    assert site.rotate().step == "done"


def test_a_file_that_came_while_a_rotation_waited_is_left_as_it_is(site: Site) -> None:
    """Run again, the rotation would put the last key in its place."""
    site.registry.delay = 30
    with pytest.raises(IdentityError):
        site.rotate()
    theirs = site.folder / "app.pem.old"
    theirs.write_text("a key of somebody's")

    with pytest.raises(SettingsError, match=f"{theirs} already exists"):
        site.rotate()

    assert theirs.read_text() == "a key of somebody's"
    theirs.unlink()
    assert site.rotate().step == "done"


def test_two_rotations_of_one_key_do_not_run_at_once(site: Site) -> None:
    """The second one is told of the first."""
    with (
        hold_lock(site.folder / "app.pem.lock", 0, "busy"),
        pytest.raises(UsageError, match="another rotation of this key is under way") as caught,
    ):
        site.rotate()

    assert caught.value.code == "rotation_busy"


@pytest.mark.parametrize("room", [0, 100, 500])
def test_a_full_disk_is_one_error_and_a_later_run_goes_on(site: Site, room: int) -> None:
    """Every file that is there is whole."""
    before = site.thumbprint

    with (
        no_file_larger_than(room),
        pytest.raises(SettingsError, match="cannot be used: File too large") as caught,
    ):
        site.rotate()

    assert caught.value.code == "file_unwritable"
    assert (site.thumbprint, site.registry.thumbprints) == (before, [before])
    journal = site.rotate()
    assert site.registry.thumbprints == [journal.new] == [site.thumbprint]


# ---- Interrupted -------------------------------------------------------------------------------


class Crash(BaseException):
    """The process dies here."""


@contextmanager
def watch(look: Callable[[int], None]) -> Iterator[None]:
    """Call ``look`` with its number before each line of the rotation, and of how it writes."""
    number = 0
    before = sys.gettrace()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal number
        if frame.f_code.co_filename not in (
            module.__file__,
            private_files.__file__,
            draft.__file__,
        ):
            return None
        if event == "line":
            number += 1
            look(number)
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def list_states(site: Site) -> list[int]:
    """The lines before which what a later run can find is different from what it was."""
    last: object = None
    lines: list[int] = []

    def look(number: int) -> None:
        nonlocal last
        state = site.state()
        if state != last:
            last = state
            lines.append(number)
            assert site.thumbprint in site.registry.thumbprints, "the key in use is accepted"

    with watch(look):
        site.rotate()
    return lines


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestWarning")
@pytest.mark.parametrize("readable", [True, False], ids=["may read", "may not read"])
def test_killed_before_any_line_it_ends_right_when_run_again(site: Site, readable: bool) -> None:
    """
    One key in the tenant beside what nobody could remove, and it is the one in the file.

    Killed once in each state that it leaves behind: within one, every line has the same sequel.
    """
    old = site.thumbprint
    site.object_id, site.registry.readable = OBJECT_ID, readable
    lines = list_states(site)
    assert len(lines) > 10
    for line in lines:
        site.restore()
        site.registry.readable = readable

        def die(number: int, line: int = line) -> None:
            if number == line:
                raise Crash

        with pytest.raises(Crash), watch(die):
            site.rotate()
        if _read_step(site) != "done":
            site.rotate()

        assert site.registry.thumbprints == [*([] if readable else [old]), site.thumbprint], line
        assert site.thumbprint != old
        assert not (site.folder / "app.pem.new").exists()


def _read_step(site: Site) -> str | None:
    try:
        step: str = json.loads((site.folder / "app.pem.rotation").read_text())["step"]
    except FileNotFoundError:
        return None
    return step


@pytest.mark.parametrize("lost", range(6))
def test_an_answer_that_is_lost_was_perhaps_carried_out(site: Site, lost: int) -> None:
    """The request arrives, its answer does not: run again, it finds what was done."""
    answers = site.registry.answer
    count = [0]

    def cut(request: Request) -> Answer:
        answer = answers(request)
        count[0] += 1
        return answer._replace(cut=0) if count[0] == lost + 1 else answer

    site.server.script = cut
    try:
        journal = site.rotate()
    except Error as error:
        assert error.exit_code == 6  # noqa: PT017  some answers are the last
        journal = site.rotate()

    assert site.registry.thumbprints == [journal.new] == [site.thumbprint]


# ---- The command -------------------------------------------------------------------------------


def test_the_command_says_what_it_does(command: Command, site: Site) -> None:
    """Steps on stderr, the new thumbprints on stdout, no key anywhere."""
    path = site.server.write_parameters(site.folder, secret=None, private_key_file="app.pem")

    outcome = command("certificate", "rotate", path, "--days", 90)

    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.decode().splitlines()] == ["SHA-1", "SHA-256"]
    for words in ("Made a key pair", "Added it", "accepts it", "Switched", "Removed the old key"):
        assert words in outcome.err
    assert "PRIVATE" not in outcome.err
    assert site.registry.thumbprints == [site.thumbprint]
