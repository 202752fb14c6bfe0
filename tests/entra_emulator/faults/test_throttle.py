import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_emulator.clock import Clock
from entra_emulator.faults.throttle import SIZES, Charge, Throttle, size_of
from entra_emulator.graph.access.cost import cost_of
from entra_emulator.graph.routes import ROUTER
from tests.support.emulator_probe import Answer, App, Probe, register, running
from tests.support.places import PUBLISHED

RECORDINGS = PUBLISHED / "recordings"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def clock() -> Clock:
    return Clock(at=1_800_000_000)


def spend(throttle: Throttle, units: int, *, app: str = "app", tenant: str = "t") -> Charge:
    """Spend that much at once, in pieces of at most five."""
    charge = Charge(ok=True, load=0.0)
    for _ in range(units // 5):
        charge = throttle.charge(tenant, app, 5, size="S")
    return charge


@pytest.mark.parametrize(
    ("route", "options", "units"),
    [
        ("GET /users", {}, 2),
        ("GET /users", {"$select": "id"}, 1),
        ("GET /users", {"$expand": "manager"}, 3),
        ("GET /users", {"$expand": "manager", "$select": "id", "$top": "19"}, 1),
        ("GET /users", {"$top": "20"}, 2),
        ("GET /users", {"$top": "many"}, 2),
        ("GET /users/{key}", {}, 1),
        ("GET /users/{key}", {"$expand": "manager"}, 2),
        ("GET /users/$count", {}, 1),
        ("GET /groups", {"$select": "id", "$top": "1"}, 1),
        ("GET /groups/{key}/transitiveMembers", {}, 5),
        ("GET /groups/{key}/transitiveMembers", {"$select": "id"}, 4),
        ("GET /groups/{key}/members/microsoft.graph.user", {}, 3),
        ("GET /me/memberOf", {}, 2),
        ("GET /subscribedSkus", {}, 3),
        ("POST /users/{key}/checkMemberObjects", {}, 4),
        ("POST /users", {}, 1),
    ],
)
def test_costs(route: str, options: dict[str, str], units: int) -> None:
    """A request costs its base, less with `$select` and small pages, more with `$expand`."""
    method, template = route.split(" ")

    assert cost_of(method, template, options) == units


def test_recorded_costs() -> None:
    """Every recorded success cost what it costs here."""
    if not RECORDINGS.is_dir():
        pytest.skip("the recordings are not beside this checkout (../shared/data)")
    seen = 0
    for line in (RECORDINGS / "azure-cli.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        headers = {name.lower(): value for name, value in entry["response_headers"].items()}
        units = headers.get("x-ms-resource-unit")
        parts = urlsplit(entry["url"])
        found = ROUTER.resolve(parts.path) if units and entry["status"] < 300 else None
        endpoint = found and found.endpoints.get(entry["method"])
        if endpoint:
            options = {name.lower(): value for name, value in parse_qsl(unquote(parts.query))}
            assert str(cost_of(entry["method"], endpoint.path, options)) == units, entry["url"]
            seen += 1
    assert seen > 50


@pytest.mark.parametrize(
    ("users", "size"), [(0, "S"), (49, "S"), (50, "M"), (500, "M"), (501, "L")]
)
def test_sizes(clock: Clock, users: int, size: str) -> None:
    """The more users, the more units in ten seconds."""
    throttle = Throttle(clock)
    measured = throttle.measure("t", lambda: users)
    allowed = 0
    while throttle.charge("t", "app", 5, size=measured).ok:
        allowed += 5

    assert (measured, size_of(users)) == (size, size)
    assert allowed == SIZES[size]


def test_size_is_counted_now_and_then(clock: Clock) -> None:
    """A tenant that grows gets more, a little later; one that is told its size keeps it."""
    throttle = Throttle(clock)
    sizes = [throttle.measure("t", lambda: 1), throttle.measure("t", lambda: 1000)]
    clock.move(10)
    sizes.append(throttle.measure("t", lambda: 1000))
    throttle.change(size="M")
    sizes.append(throttle.measure("t", lambda: 1000))
    throttle.change(size="")
    sizes.append(throttle.measure("t", lambda: 1000))

    assert sizes == ["S", "S", "L", "M", "L"]


def test_refused(clock: Clock) -> None:
    """Above the limit a request is refused, with the time until the bucket has room for it."""
    throttle = Throttle(clock)
    spend(throttle, 3500)

    refused = throttle.charge("t", "app", 2, size="S")

    assert (refused.ok, refused.retry_after) == (False, 1)
    assert refused.scope == "Tenant_Application/ReadWrite/app/t"
    assert refused.information == "ResourceUnitLimitExceeded"
    assert 1 <= refused.load < 1.1


def test_steady_refill(clock: Clock) -> None:
    """A bucket empties steadily: a tenth of the limit each second."""
    throttle = Throttle(clock)
    spend(throttle, 3500)
    clock.move(1)
    allowed = sum(throttle.charge("t", "app", 1, size="S").ok for _ in range(1000))

    assert allowed == 350


def test_who_waits_is_let_in(clock: Clock) -> None:
    """After exactly Retry-After a request succeeds."""
    throttle = Throttle(clock, scale=0.01)
    for _ in range(200):
        charge = throttle.charge("t", "app", 5, size="S")
        if not charge.ok:
            clock.move(charge.retry_after)
            assert throttle.charge("t", "app", 5, size="S").ok

    (count,) = throttle.counts()
    assert count.early == 0
    assert count.refused > 20


def test_early(clock: Clock) -> None:
    """Who comes back before the time is over is refused again and counted."""
    throttle = Throttle(clock, scale=0.01)
    spend(throttle, 35)
    first = throttle.charge("t", "app", 5, size="S", peer="one")
    clock.move(first.retry_after - 0.5)
    second = throttle.charge("t", "app", 1, size="S", peer="two")
    clock.move(0.5)
    third = throttle.charge("t", "app", 1, size="S", peer="two")

    (count,) = throttle.counts()
    assert [first.ok, second.ok, third.ok] == [False, False, True]
    assert (first.retry_after, second.retry_after) == (2, 1)
    assert (count.refused, count.early) == (2, 1)


def test_under_way(clock: Clock) -> None:
    """Requests sent before their caller could know are refused, but came not too early."""
    throttle = Throttle(clock, scale=0.01)
    spend(throttle, 35)
    for number in range(8):
        throttle.charge("t", "app", 5, size="S", peer=number)
        clock.move(0.01)
    under_way = throttle.counts()[0].early
    throttle.charge("t", "app", 5, size="S", peer=0)

    assert (under_way, throttle.counts()[0].early) == (0, 1)


def test_haste_costs(clock: Clock) -> None:
    """Early requests use up units too, up to 1.8 of the limit."""
    throttle = Throttle(clock, scale=0.01)
    spend(throttle, 40)
    for _ in range(100):
        hasty = throttle.charge("t", "app", 5, size="S")
    bucket = throttle.buckets()[0]
    clock.move(hasty.retry_after)

    assert bucket.used == pytest.approx(1.8 * bucket.limit)
    assert hasty.retry_after == 10
    assert throttle.charge("t", "app", 5, size="S").ok


def test_whose_limit(clock: Clock) -> None:
    """An application's units in one tenant are neither another's nor those in another tenant."""
    throttle = Throttle(clock)
    full = spend(throttle, 3505)

    assert not full.ok
    assert spend(throttle, 5, app="other").ok
    assert spend(throttle, 5, tenant="other").ok


def test_application_over_all_tenants(clock: Clock) -> None:
    """An application has 150,000 units in twenty seconds over all tenants."""
    throttle = Throttle(clock)
    charges = [spend(throttle, 3500, tenant=f"t{number}") for number in range(43)]

    assert [charge.ok for charge in charges] == [True] * 42 + [False]
    assert charges[-1].scope == "Application/ReadWrite/app/t42"


def test_writes(clock: Clock) -> None:
    """3,000 writes in 150 seconds, then reads go on and writes wait."""
    throttle = Throttle(clock)
    allowed = 0
    while (charge := throttle.charge("t", "app", 1, write=True)).ok:
        allowed += 1
    clock.move(0.04)

    assert allowed == 3000
    assert charge.scope == "Tenant_Application/Write/app/t"
    assert (charge.information, charge.retry_after) == ("WriteLimitExceeded", 1)
    assert throttle.charge("t", "app", 1).ok
    assert not throttle.charge("t", "app", 1, write=True).ok


def test_writes_of_a_tenant(clock: Clock) -> None:
    """18,000 writes in five minutes for all applications of a tenant together."""
    throttle = Throttle(clock)
    refused = ""
    for number in range(7):
        for _ in range(3000):
            charge = throttle.charge("t", f"app{number}", 1, write=True)
            if not charge.ok:
                refused = charge.scope
                break

    assert refused == "Tenant/Write/app6/t"


def test_low_priority(clock: Clock) -> None:
    """Requests of low priority are refused from 0.8 of the limit on."""
    throttle = Throttle(clock)
    spend(throttle, 2800)

    low = throttle.charge("t", "app", 5, size="S", low=True)
    clock.move(low.retry_after)

    assert not low.ok
    assert throttle.charge("t", "app", 5, size="S").ok


def test_dear_requests(clock: Clock) -> None:
    """However small the limit, an empty bucket takes any request."""
    throttle = Throttle(clock, scale=1e-6)

    assert throttle.charge("t", "app", 5).ok
    assert not throttle.charge("t", "app", 5).ok


def test_clock_set_back(clock: Clock) -> None:
    """A clock that is set back does not lock anybody out."""
    throttle = Throttle(clock, scale=0.01)
    spend(throttle, 100)
    clock.move(-86_400)
    spend(throttle, 5)
    clock.move(10)

    assert throttle.charge("t", "app", 1, size="S").ok


def test_settings(clock: Clock) -> None:
    """Throttling can be switched off, scaled and forgotten; nonsense is an error at once."""
    throttle = Throttle(clock, enabled=False)
    assert spend(throttle, 10_000).ok
    throttle.change(enabled=True, scale=0.1)
    assert not spend(throttle, 400).ok
    throttle.clear()
    assert spend(throttle, 300).ok

    for settings in ({"size": "XL"}, {"scale": 0}, {"scale": float("inf")}):
        with pytest.raises(ValueError, match=r"size|scale"):
            throttle.change(**settings)


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.booleans(), st.floats(0, 5), st.sampled_from(["a", "b"])),
        max_size=60,
    )
)
def test_never_more_than_the_limit(steps: list[tuple[int, bool, float, str]]) -> None:
    """Nobody gets more in any ten seconds than twice the limit, and every refusal ends."""
    clock = Clock(at=0)
    throttle = Throttle(clock, scale=0.01)
    allowed: dict[str, list[tuple[float, int]]] = {"a": [], "b": []}
    for units, write, pause, app in steps:
        clock.move(pause)
        charge = throttle.charge("t", app, units, write=write, size="S")
        if charge.ok:
            allowed[app].append((clock.now(), units))
        else:
            assert 1 <= charge.retry_after <= 151
    for spent in allowed.values():
        for start, _ in spent:
            window = sum(units for at, units in spent if start <= at <= start + 10)
            assert window <= 2 * 35 + 5
    clock.move(1000)
    assert throttle.charge("t", "a", 5, write=True, size="S").ok


@pytest.fixture(scope="module")
def busy(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An application in a tenant with small limits; its clock stands still."""
    data, clock = tmp_path_factory.mktemp("busy"), Clock(at=1_800_000_000)
    with running(keys, data, users=3, clock=clock, throttle_scale=0.004, control=True) as probe:
        yield register(probe, "User.Read.All")


@pytest.fixture(autouse=True)
def rested(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "busy" in request.fixturenames:
        request.getfixturevalue("busy").probe.emulator.throttle.clear()


def exhaust(app: App, token: str) -> Answer:
    while (answer := app.get("/v1.0/users", token)).status == 200:
        pass
    return answer


def test_answer(busy: App) -> None:
    """A throttled request is answered with the documented headers and body."""
    token = busy.token()
    answer = exhaust(busy, token)

    headers, error = answer.headers, answer.json()["error"]
    assert answer.status == 429
    assert headers["retry-after"] == "2"
    assert headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    scope = f"Tenant_Application/ReadWrite/{busy.client_id}/{busy.tenant.id}"
    assert headers["x-ms-throttle-scope"] == scope
    assert 1 <= float(headers["x-ms-throttle-limit-percentage"]) <= 1.8
    assert {k: v for k, v in error.items() if k != "innerError"} == {
        "code": "TooManyRequests",
        "message": "Please retry again later.",
    }
    assert list(error["innerError"]) == ["code", "date", "message", "request-id", "status"]
    assert error["innerError"]["message"] == "Please retry after"
    assert error["innerError"]["request-id"] == headers["request-id"]


def test_warning(busy: App) -> None:
    """From 0.8 of the limit on answers say how much is used."""
    token = busy.token()
    seen = [
        busy.get("/v1.0/users", token).headers.get("x-ms-throttle-limit-percentage")
        for _ in range(7)
    ]

    assert seen == [None, None, None, None, None, "0.9", "1.0"]


def test_again_after_the_wait(busy: App) -> None:
    """Who waits goes on; who does not is refused again and counted."""
    token, emulator = busy.token(), busy.probe.emulator
    exhaust(busy, token)
    early = busy.get("/v1.0/users", token)
    emulator.clock.move(int(early.headers["retry-after"]))
    late = busy.get("/v1.0/users", token)

    assert (early.status, late.status) == (429, 200)
    (count,) = emulator.throttle.counts()
    assert (count.app_id, count.refused, count.early) == (busy.client_id, 2, 1)


def test_priority(busy: App) -> None:
    """`x-ms-throttle-priority: low` is refused while others go on."""
    token = busy.token()
    for _ in range(6):
        busy.get("/v1.0/users", token)

    low = busy.get("/v1.0/users", token, x_ms_throttle_priority="low")

    assert low.status == 429


def test_batch(busy: App) -> None:
    """Requests in a batch are throttled one by one, and the batch itself succeeds."""
    requests = [{"id": str(n), "method": "GET", "url": "/users"} for n in range(20)]
    answer = busy.probe.send(
        "POST",
        "/v1.0/$batch",
        headers={"Authorization": f"Bearer {busy.token()}"} | JSON,
        body=json.dumps({"requests": requests}).encode(),
    )

    answers = answer.json()["responses"]
    refused = [one for one in answers if one["status"] == 429]
    assert answer.status == 200
    assert len(refused) == 13
    assert all(int(one["headers"]["Retry-After"]) > 0 for one in refused)
    assert busy.probe.emulator.throttle.counts()[0].early == 0


def test_control(busy: App) -> None:
    """The control API shows buckets and counts, changes settings and forgets."""
    probe: Probe = busy.probe
    exhaust(busy, busy.token())

    def ask(method: str, body: object = None) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        return probe.send(method, "/_emulator/throttle", headers=JSON, body=content)

    shown = ask("GET").json()
    changed = ask("POST", {"size": "L", "scale": 1.0}).json()
    refused = [ask("POST", {"scale": -1}), ask("POST", {"size": "XL"}), ask("POST", {"sise": 1})]
    back = ask("POST", {"size": "", "scale": 0.004}).json()
    forgotten = ask("DELETE").json()

    assert (shown["enabled"], shown["size"], shown["scale"]) == (True, None, 0.004)
    assert shown["buckets"][0] == {
        "scope": f"Tenant_Application/ReadWrite/{busy.client_id}/{busy.tenant.id}",
        "information": "ResourceUnitLimitExceeded",
        "used": 14.0,
        "limit": 14.0,
    }
    assert shown["counts"][0]["refused"] == 1
    assert (changed["size"], changed["scale"]) == ("L", 1.0)
    assert [answer.status for answer in refused] == [400, 400, 400]
    assert (back["size"], back["scale"]) == (None, 0.004)
    assert (forgotten["buckets"], forgotten["counts"]) == ([], [])


def test_off(launch: Callable[..., Probe]) -> None:
    """Throttling can be switched off for good."""
    probe = launch(users=1, throttle=False, throttle_scale=0.001)
    app = register(probe, "User.Read.All")
    token = app.token()

    assert {app.get("/v1.0/users", token).status for _ in range(5)} == {200}
