"""`graphdaemon register` when the directory lags, throttles, loses answers, or we are killed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.faults.fault import Fault
from entra_emulator.server.emulator import Emulator
from graphdaemon.errors import Error, GraphError
from graphdaemon.http.response import Response
from graphdaemon.http.transport import Transport
from graphdaemon.registration.apply import ApplyResult
from tests.support.register_tenant import Site, make_site

# Of the token service, which checks assertions made with short keys.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")

KINDS = ["certificate", "secret"]


class Crash(BaseException):
    """The process dies here."""


class Mortal(Transport):
    """Counts requests, and dies with one of them: before it is sent, or before it is answered."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.count = 0
        self.fatal: tuple[int, bool] | None = None

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        taken: list[Any] | None = None,
        *,
        repeatable: bool | None = None,
    ) -> Response:
        self.count += 1
        number, sent = self.fatal or (0, False)
        if number == self.count and not sent:
            raise Crash
        response = super().exchange(method, url, headers, body, taken, repeatable=repeatable)
        if number == self.count:
            raise Crash
        return response


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(users=5, throttle=False, token_lifetime=10**8) as emulator:
        yield emulator


@pytest.fixture
def site(running: Emulator, tmp_path: Path) -> Iterator[Site]:
    transport = Mortal(ca_file=running.ca_file, timeout=60)
    made = make_site(running, tmp_path / "site", transport)
    yield made
    running.faults.clear()
    made.close()


def check(site: Site, kind: str, done: ApplyResult | None = None) -> None:
    """One app, one service principal, one credential, and that one here; it works."""
    site.emulator.faults.clear()
    done = done or site.register()
    credentials = {"certificate": "keyCredentials", "secret": "passwordCredentials"}
    numbers = {name: len(site.app[key]) for name, key in credentials.items()}
    assert numbers == {"certificate": 0, "secret": 0} | {kind: 1}
    assert (site.roles, done.kind) == (["User.Read.All"], kind)
    assert site.prove(done) == "the app called GET /users"


def count_requests(site: Site, kind: str) -> int:
    assert isinstance(site.transport, Mortal)
    site.register(kind=kind)
    number, site.transport.count = site.transport.count, 0
    return number


@pytest.mark.parametrize("sent", [False, True], ids=["unsent", "unanswered"])
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_request_it_ends_right_when_run_again(
    site: Site, tmp_path: Path, kind: str, *, sent: bool
) -> None:
    """One app with one credential: none is left behind that no file holds."""
    transport = site.transport
    assert isinstance(transport, Mortal)
    total = count_requests(site, kind)
    assert total > 8
    for number in range(1, total + 1):
        again = make_site(site.emulator, tmp_path / f"site {number}", transport)
        transport.count, transport.fatal = 0, (number, sent)

        with pytest.raises(Crash):
            again.register(kind=kind)

        transport.fatal = None
        check(again, kind, again.register(kind=kind))
        assert not list(again.folder.glob("*.draft"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_lagging_directory_is_waited_for(site: Site, kind: str) -> None:
    """A third of the requests meet a copy that knows nothing of the last minute."""
    for seed in range(6):
        site.emulator.faults.fail_for(None, Fault(kind="stale", lag=60), chance=0.33, seed=seed)
        check(site, kind, site.register(kind=kind))
        site.undo(purge=True)

    assert sum(site.waits) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_look_that_lags_does_not_replace_what_works(site: Site, kind: str) -> None:
    """Run again at once, where a copy does not know of the first run yet: nothing is changed."""
    site.register(kind=kind)
    before = site.describe()
    for skipped in range(8):
        site.emulator.faults.clear()
        site.emulator.faults.fail_next(1 + skipped, Fault(kind="stale", lag=60))
        site.register(kind=kind)

        assert site.describe() == before


def test_a_directory_that_never_catches_up_is_said(site: Site) -> None:
    """After some minutes, with what to do; run again later, it goes on."""
    site.emulator.faults.fail_for(
        None, Fault(kind="stale", lag=1e6), route="POST /servicePrincipals"
    )

    with pytest.raises(GraphError, match="has not caught up") as caught:
        site.register()

    assert caught.value.code == "directory_behind"
    assert "Run it again in a few minutes" in (caught.value.hint or "")
    assert 120 < sum(site.waits) < 300
    site.emulator.faults.clear()
    check(site, "certificate")


@pytest.mark.parametrize("kind", KINDS)
def test_throttling_is_waited_out(site: Site, kind: str) -> None:
    """As long as Graph asks for; every other request."""
    site.emulator.faults.fail_for(
        None, Fault(kind="status", status=429, retry_after=3), chance=0.5, seed=1
    )

    done = site.register(kind=kind)

    check(site, kind, done)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [503, 504])
def test_an_answer_that_is_lost_was_perhaps_carried_out(site: Site, kind: str, status: int) -> None:
    """Each write is done, and its answer is an error: one app, one credential, all the same."""
    for method in ("PATCH", "POST"):
        fault = Fault(kind="status", status=status, after=True)
        site.emulator.faults.fail_next(3, fault, route=f"{method} *")

    done = site.register(kind=kind)

    check(site, kind, done)


@pytest.mark.parametrize("kind", KINDS)
def test_all_at_once(site: Site, kind: str) -> None:
    """Lag, throttling and lost answers together: right at the end, or an error with a next step."""
    faults = site.emulator.faults
    for seed in range(4):
        faults.fail_for(None, Fault(kind="stale", lag=30), chance=0.3, seed=seed)
        faults.fail_for(None, Fault(kind="status", status=504, after=True), chance=0.15, seed=seed)
        faults.fail_for(
            None, Fault(kind="status", status=429, retry_after=2), chance=0.2, seed=seed + 9
        )
        try:
            site.register(kind=kind)
        except Error as error:
            assert error.hint  # noqa: PT017  some troubles are too many
            site.register(kind=kind)
        check(site, kind)
        site.undo(purge=True)
        faults.clear()


def test_undoing_is_interrupted_anywhere(site: Site, tmp_path: Path) -> None:
    """Run again, nothing is left: no app, nothing in the recycle bin, no file."""
    transport = site.transport
    assert isinstance(transport, Mortal)
    number, died = 0, True
    while died:
        number += 1
        again = make_site(site.emulator, tmp_path / f"site {number}", transport)
        again.register()
        transport.count, transport.fatal = 0, (number, True)
        try:
            again.undo(purge=True)
        except Crash:
            transport.fatal = None
            again.undo(purge=True)
        else:
            died = False
        transport.fatal = None

        assert again.apps == []
        assert (
            again.writer.get("/directory/deletedItems/microsoft.graph.application")["value"] == []
        )
        assert list(again.folder.iterdir()) == []
    assert number > 6
