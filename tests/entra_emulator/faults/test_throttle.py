import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_emulator.clock import Clock
from entra_emulator.faults.throttle import SIZES, Charge, Throttle, size_of


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
