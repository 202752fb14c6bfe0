from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msal
import pytest

from entra_emulator.clock import Clock
from entra_emulator.faults.fault import OUTAGES, Fault
from entra_emulator.faults.schedule import Faults
from tests.support.emulator_probe import GRAPH_SCOPE, Answer, App, Probe, register, running
from tests.support.token_service import ERROR_KEYS, Session


@pytest.fixture(scope="module")
def weak(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An application whose emulator the tests make fail; its clock stands still."""
    data, clock = tmp_path_factory.mktemp("weak"), Clock(at=1_800_000_000)
    with running(keys, data, users=3, clock=clock) as probe:
        yield register(probe, "User.Read.All")


@pytest.fixture
def faults(weak: App) -> Iterator[Faults]:
    faults = weak.probe.emulator.faults
    yield faults
    faults.clear()


def ask(app: App) -> Answer:
    return app.probe.post(app.token_path, app.form())


def statuses(app: App, count: int) -> list[int]:
    return [ask(app).status for _ in range(count)]


def test_throttled(weak: App, faults: Faults) -> None:
    """By default the next request is throttled: 429, the token service's JSON, a minute's wait."""
    faults.fail_next()

    answer = ask(weak)

    content = answer.json()
    assert answer.status == 429
    assert list(content) == ERROR_KEYS
    assert (content["error"], content["error_codes"]) == ("temporarily_unavailable", [90055])
    assert answer.headers["retry-after"] == "60"
    assert ask(weak).status == 200


@pytest.mark.parametrize("code", OUTAGES)
def test_every_outage(weak: App, faults: Faults, code: int) -> None:
    """Every kind of outage has its number and its status."""
    faults.fail_next(1, Fault(code))

    answer = ask(weak)

    assert (answer.status, answer.json()["error_codes"]) == (OUTAGES[code], [code])
    assert ("retry-after" in answer.headers) == (code == 90055)


def test_front_door(weak: App, faults: Faults) -> None:
    """An outage can be a page that knows nothing of OAuth."""
    faults.fail_next(1, Fault(90033, retry_after=7, html=True))

    answer = ask(weak)

    assert (answer.status, answer.headers["retry-after"]) == (503, "7")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"aren't available right now" in answer.body


def test_count(weak: App, faults: Faults) -> None:
    """So many requests fail, one plan after the other, and then no more."""
    faults.fail_next(2)
    faults.fail_next(1, Fault(90033))

    assert statuses(weak, 4) == [429, 429, 503, 200]
    assert faults.plans() == []


def test_for_a_time(weak: App, faults: Faults) -> None:
    """Requests fail for that long by the emulator's clock, or until somebody clears it."""
    clock = weak.probe.emulator.clock
    faults.fail_for(30, Fault(90090))
    found = []
    for seconds in (0, 29, 1):
        clock.move(seconds)
        found.append(ask(weak).status)
    faults.fail_for(None, Fault(90090))
    clock.move(1e6)
    found.append(ask(weak).status)
    faults.clear()
    found.append(ask(weak).status)

    assert found == [503, 503, 200, 503, 200]


def test_routes(weak: App, faults: Faults) -> None:
    """A fault meets its route only; Graph and the control API are not its business."""
    token = weak.token()
    faults.fail_for(None, route="*/discovery/*")
    first = [
        weak.probe.get(f"/{weak.tenant.id}/discovery/v2.0/keys").status,
        weak.probe.get(f"/{weak.tenant.id}/v2.0/.well-known/openid-configuration").status,
        ask(weak).status,
    ]
    faults.clear()
    faults.fail_for(None, route="*")
    second = [
        weak.probe.post(f"/{weak.tenant.id}/oauth2/token", {}).status,
        weak.get("/v1.0/users", token).status,
        weak.get("/beta/users", token).status,
    ]

    assert (first, second) == ([429, 200, 200], [429, 200, 200])


def test_chance() -> None:
    """With a chance some requests fail, the same for the same seed; the spared do not count."""

    def draw(seed: int) -> list[bool]:
        faults = Faults(Clock(at=0), seed)
        faults.fail_next(100, chance=0.25)
        return [bool(faults.draw("POST", "/t/oauth2/v2.0/token")) for _ in range(400)]

    drawn = draw(1)

    assert drawn == draw(1)
    assert drawn != draw(2)
    assert 60 < sum(drawn) <= 100


def test_impossible_plans() -> None:
    """A plan that makes no sense is an error at once."""
    faults = Faults(Clock(at=0))

    for make, message in (
        (lambda: faults.fail_next(0), "at least one"),
        (lambda: faults.fail_next(chance=0), "chance"),
        (lambda: faults.fail_for(1, chance=1.1), "chance"),
        (lambda: faults.fail_for(0), "seconds must be above 0"),
        (lambda: Fault(90002), "90002 is none of"),
        (lambda: Fault(retry_after=-1), "retry_after must be 0 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    assert faults.plans() == []


@pytest.fixture
def client(weak: App) -> Iterator[Callable[[], dict[str, Any]]]:
    """What unmodified MSAL makes of it; a new client each time, for it remembers failures."""
    emulator = weak.probe.emulator
    with Session() as session:
        session.verify = str(emulator.ca_file)

        def acquire() -> dict[str, Any]:
            client = msal.ConfidentialClientApplication(
                weak.client_id,
                authority=f"{emulator.url}/{weak.tenant.id}",
                client_credential=weak.secret,
                instance_discovery=False,
                http_client=session,
            )
            answer: dict[str, Any] = client.acquire_token_for_client([GRAPH_SCOPE])
            return answer

        yield acquire


def test_msal(client: Callable[[], dict[str, Any]], faults: Faults) -> None:
    """MSAL returns a throttling as an error, and raises an outage, whatever its body is."""
    faults.fail_next()
    throttled = client()
    failures = []
    for html in (False, True):
        faults.fail_next(1, Fault(90033, html=html))
        with pytest.raises(msal.exceptions.MsalServiceError) as failure:
            client()
        failures.append(str(failure.value))

    assert throttled["error"] == "temporarily_unavailable"
    assert all("503" in failure for failure in failures)
    assert "access_token" in client()


def test_other_emulators(weak: App, faults: Faults, probe: Probe) -> None:
    """One emulator's faults are not another's."""
    faults.fail_for(None)

    assert register(probe).token()
