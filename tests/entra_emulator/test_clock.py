from entra_emulator.clock import Clock, format_http_date, format_iso, format_stamp, parse_iso


def test_clock() -> None:
    """A clock can stand still, jump, and run again."""
    clock = Clock(at=1_800_000_000)
    clock.move(60)
    moved = clock()
    clock.freeze(5)
    frozen = clock.now()
    clock.resume()

    assert (moved, frozen) == (1_800_000_060, 5)
    assert clock.now() > 1_700_000_000


def test_frozen_in_passing() -> None:
    """A running clock can be stopped where it is, after having been moved."""
    clock = Clock()
    clock.move(-1000)
    clock.freeze()

    assert clock.now() == clock.now() < Clock().now() - 900


def test_formats() -> None:
    """Each service's way to write a time."""
    moment = 1_772_356_211.5

    assert format_iso(moment) == "2026-03-01T09:10:11Z"
    assert format_iso(moment, 7) == "2026-03-01T09:10:11.5000000Z"
    assert format_stamp(moment) == "2026-03-01 09:10:11Z"
    assert format_http_date(moment) == "Sun, 01 Mar 2026 09:10:11 GMT"
    assert parse_iso("2026-03-01T10:10:11.5000000+01:00") == moment
    assert parse_iso("2026-03-01") == 1_772_323_200
