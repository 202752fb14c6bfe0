"""The picture of Graph's bucket: what may be sent when, and what each answer teaches."""

import pytest

from graphdaemon.graph.throttling.bucket import LONGEST_GUESS_S, Bucket, Totals, Usage


def test_a_bucket_is_filled_to_97_percent_and_no_further() -> None:
    """Ten seconds of 10 units a second are 100 units, of which three are left free."""
    bucket = Bucket(rate=10.0, stamp=50.0)

    assert bucket.take(97, 50.0) == 50.0
    assert bucket.take(5, 50.0) == pytest.approx(50.5)
    assert bucket.take(1, 51.0) == 51.0


def test_nothing_is_held_back_while_no_rate_is_known() -> None:
    """The first requests of a run are sent at once."""
    assert Bucket().take(1_000, 50.0) == 50.0


def test_what_costs_more_than_a_bucket_holds_waits_for_an_empty_one_only() -> None:
    """Otherwise it would wait for ever."""
    bucket = Bucket(rate=1.0, stamp=50.0)

    assert bucket.take(50, 50.0) == 50.0
    assert bucket.take(1, 50.0, 100.0) == pytest.approx(50 + 51 - 9.7)


def test_what_is_computed_holds_nobody_back_for_longer_than_a_full_bucket_needs() -> None:
    """What answers say of costs and loads may be wrong; only a refusal stops for longer."""
    bucket = Bucket(rate=1.0, level=1e6, stamp=50.0)

    assert bucket.take(100, 50.0) == 50 + LONGEST_GUESS_S
    bucket.pause(60, 50.0)
    assert bucket.take(100, 50.0) == 110


@pytest.mark.parametrize(
    ("rate", "seconds", "level"),
    [(10, 3, 20), (10, 6, 0), (None, 0.5, 25), (None, 1, 0), (10, 0, 50)],
)
def test_a_bucket_loses_its_rate_each_second(
    rate: float | None, seconds: float, level: float
) -> None:
    """And all of it in a second, where no rate is known."""
    bucket = Bucket(rate=rate, level=50.0, stamp=100.0)

    bucket.take(0, 100 + seconds)

    assert (bucket.level, bucket.stamp) == (level, 100 + seconds)


def test_units_that_were_not_used_are_taken_out_again() -> None:
    """Not more than there are; a request that cost more than expected puts some in."""
    bucket = Bucket(level=5.0)

    bucket.give_back(-2)
    assert bucket.level == 7
    bucket.give_back(10)
    assert bucket.level == 0


@pytest.mark.parametrize(("rate", "apart"), [(None, 1.0), (10, 1.0), (40, 0.5)])
def test_after_a_pause_requests_come_one_after_the_other(rate: float | None, apart: float) -> None:
    """At the rate that is known, or at 20 units a second if it is less."""
    bucket = Bucket(rate=rate)
    bucket.pause(10, 100.0)

    assert [bucket.hold(20, 100.0) for _ in range(3)] == [110, 110 + apart, 110 + 2 * apart]
    assert bucket.hold(20, 110.0) == 110


def test_a_longer_pause_has_a_queue_of_its_own_and_a_shorter_one_changes_nothing() -> None:
    """Whoever waited in the old one asks again."""
    bucket = Bucket()
    bucket.pause(10, 100.0)
    bucket.hold(20, 100.0)

    bucket.pause(5, 101.0)
    assert bucket.hold(20, 101.0) == 111
    bucket.pause(10, 101.0)
    assert bucket.hold(20, 101.0) == 111


def test_a_clock_that_begins_anew_empties_the_bucket() -> None:
    """After a restart of the machine nothing of before counts."""
    bucket = Bucket(
        rate=10, level=100, stamp=1e6, paused_until=1e6 + 300, held=50, refused=1e6, grown=1e6
    )

    assert bucket.take(1, 5.0) == 5.0
    assert (bucket.level, bucket.held, bucket.refused) == (1, 0, 0)
    bucket.grow(6.0)
    assert bucket.rate is not None
    assert bucket.rate > 10


@pytest.mark.parametrize(
    ("known", "shown", "rate"),
    [
        (None, 80, 80),
        (100, 80, 80),
        (100, 95, 85),
        (100, 200, 170),
        (None, None, 20),
        (100, None, 50),
        (0.6, None, 0.5),
    ],
)
def test_a_refusal_lowers_the_rate(known: float | None, shown: float | None, rate: float) -> None:
    """To what our use shows, and by 15 %; by half where others used the bucket up."""
    bucket = Bucket(rate=known)

    bucket.refuse(2, 100.0, shown)

    assert bucket.rate == rate
    assert bucket.level == rate * 10
    assert bucket.paused_until == 102


def test_requests_that_are_refused_together_lower_the_rate_once() -> None:
    """All that were under way are refused; until the pause is over, it is one event."""
    bucket = Bucket(rate=100.0)
    for moment in (100.0, 100.5, 102.9):
        bucket.refuse(3, moment, None)
    assert (bucket.rate, bucket.refusals, bucket.streak) == (50, 3, 1)

    bucket.refuse(0, 106.0, None)
    assert (bucket.rate, bucket.refusals, bucket.streak) == (25, 4, 2)
    bucket.refuse(0, 106.9, None)
    assert (bucket.rate, bucket.streak) == (25, 2)
    bucket.refuse(0, 107.9, None)
    assert (bucket.rate, bucket.streak) == (12.5, 3)


def test_of_one_event_every_refusal_may_show_a_lower_rate() -> None:
    """It is taken as it is, with no further step back."""
    bucket = Bucket(rate=100.0)
    bucket.refuse(3, 100.0, 100.0)
    bucket.refuse(3, 100.5, 60.0)

    assert bucket.rate == 60


@pytest.mark.parametrize(
    ("moments", "shown", "doubles"),
    [
        ((100,), None, True),
        ((100,), 35, True),
        ((100,), 36, False),
        ((100, 129), None, False),
        ((100, 131), None, True),
    ],
)
def test_a_single_refusal_of_little_use_is_soon_forgotten(
    moments: tuple[int, ...], shown: float | None, *, doubles: bool
) -> None:
    """It is probably noise, or another client's traffic: the rate doubles each second again."""
    bucket = Bucket()
    for moment in moments:
        bucket.refuse(1, float(moment), shown)
    assert bucket.rate is not None
    before = bucket.rate

    bucket.grow(moments[-1] + 0.9)
    assert bucket.rate == before
    bucket.grow(moments[-1] + 1.0)
    bucket.grow(moments[-1] + 2.0)

    assert (bucket.rate == 4 * before) is doubles
    assert before < bucket.rate <= 4 * before


@pytest.mark.parametrize(("rate", "grown"), [(100, 102), (10, 11)])
def test_where_the_load_is_told_the_rate_grows_by_2_a_second(rate: float, grown: float) -> None:
    """By a tenth at most."""
    bucket = Bucket(rate=rate, grown=99.0, told=95.5)

    bucket.grow(100.0)
    bucket.grow(100.5)

    assert bucket.rate == grown


@pytest.mark.parametrize(("seconds", "added"), [(0, 0.4), (5, 0.8), (10, 1.6), (30, 10), (9e9, 10)])
def test_where_no_load_is_told_the_rate_grows_faster_the_longer_it_goes_well(
    seconds: float, added: float
) -> None:
    """0.4 % a second, doubled every five seconds, and 10 % at most."""
    bucket = Bucket(rate=100.0, refused=100.0)

    bucket.grow(100 + seconds)

    assert bucket.rate == pytest.approx(100 + added)


def test_a_rate_that_was_just_lowered_does_not_grow() -> None:
    """Not within a second; and a rate that nobody knows does not either."""
    bucket = Bucket(rate=100.0, lowered=99.5)
    bucket.grow(100.0)
    assert bucket.rate == 100
    bucket = Bucket()
    bucket.grow(100.0)
    assert bucket.rate is None


def test_a_load_that_is_told_sets_the_level() -> None:
    """And what is under way is on its way into the bucket."""
    bucket = Bucket(rate=50.0)
    bucket.observe(0.9, 7, 100.0, 60.0)
    assert (bucket.rate, bucket.level, bucket.told) == (50, 0.9 * 500 + 7, 100)

    bucket = Bucket()
    bucket.observe(0.8, 7, 100.0, None)
    assert (bucket.rate, bucket.level) == (None, 0)
    bucket.observe(0.8, 7, 101.0, 60.0)
    assert (bucket.rate, bucket.level, bucket.grown) == (60, 0.8 * 600 + 7, 101)


def test_a_bucket_that_is_nearly_full_lowers_the_rate_once_a_second() -> None:
    """From 99 % on; and quick growth ends."""
    bucket = Bucket(rate=100.0, doubles=True)
    bucket.observe(0.98, 0, 100.0, None)
    assert (bucket.rate, bucket.doubles) == (100, True)
    bucket.observe(0.99, 0, 101.0, None)
    assert (bucket.rate, bucket.doubles, bucket.level) == (85, False, 0.99 * 850)
    bucket.observe(1.0, 0, 101.9, None)
    assert bucket.rate == 85
    bucket.observe(1.0, 0, 102.0, None)
    assert bucket.rate == 85 * 0.85


def test_what_others_did_counts_here() -> None:
    """Their units, their pause, and the rate that they learnt, which nobody changes again."""
    bucket = Bucket(rate=100.0, level=10.0, used=5.0, stamp=100.0)

    bucket.join(Totals(used=20, pause=3, rate=80), 100.0)

    assert (bucket.rate, bucket.level, bucket.used, bucket.paused_until) == (80, 30, 25, 103)
    bucket.grow(100.9)
    assert bucket.rate == 80
    assert (bucket.refusals, bucket.refused) == (0, 0)


def test_a_refusal_of_others_means_that_the_bucket_is_full() -> None:
    """Without any rate there is nothing that it could be full of."""
    bucket = Bucket(rate=80.0, level=10.0, stamp=100.0)
    bucket.join(Totals(refusals=2), 100.0)
    assert (bucket.level, bucket.refusals, bucket.refused) == (800, 2, 100)
    assert bucket.paused_until == 0

    bucket = Bucket(level=10.0, stamp=100.0)
    bucket.join(Totals(refusals=1, rate=None), 100.0)
    assert (bucket.rate, bucket.level) == (None, 10)


# ---- what was used of late -----------------------------------------------------------------------


def test_a_full_bucket_shows_its_rate() -> None:
    """110 units in one second are a bucket of ten seconds, and one second of what it lost."""
    usage = Usage()
    usage.add(0, 100.0)

    assert usage.rate(110, 101.0) == pytest.approx(10)
    assert usage.rate(90, 101.0, 0.8) == pytest.approx(10)


def test_the_largest_of_all_estimates_counts() -> None:
    """A bucket that was not empty at the beginning shows too little."""
    usage = Usage()
    usage.add(0, 100.0)
    usage.add(10, 150.0)

    assert usage.rate(130, 152.0) == pytest.approx((130 - 10) / 12)


def test_between_two_moments_when_it_was_full_it_took_what_it_lost() -> None:
    """If they are a second apart, or more; and only if it is full now."""
    usage = Usage()
    usage.add(0, 100.0)
    usage.fill(200, 110.0)
    usage.fill(205, 110.9)

    assert usage.rate(400, 115.0) == pytest.approx(40)
    assert usage.rate(400, 115.0, 0.9) == pytest.approx(400 / 24)
    usage.fill(400, 115.0)
    assert usage.rate(480, 115.5) == pytest.approx(480 / 25.5)
    assert usage.rate(500, 116.0) == pytest.approx(100)


def test_little_use_shows_no_rate() -> None:
    """If somebody else used it up, we do not learn what the whole is."""
    usage = Usage()
    assert usage.rate(1_000, 0) is None
    for at in range(20):
        usage.add(float(at), float(at))

    assert usage.rate(20, 20) is None
    assert usage.rate(49, 20) is None
    assert usage.rate(50, 20) is not None


def test_what_was_used_more_than_a_minute_ago_is_forgotten() -> None:
    """Otherwise a pause of the run would look like a slow bucket."""
    usage = Usage()
    usage.add(0, 100.0)
    usage.add(100, 160.0)
    assert usage.rate(140, 160.0) == 4
    usage.add(100, 160.5)

    assert usage.rate(140, 161.0) is None


def test_what_was_used_of_late_is_told() -> None:
    """Over five seconds, noted every quarter of a second at most."""
    usage = Usage()
    for quarter in range(41):
        usage.add(quarter, 100 + quarter / 4)
        usage.add(quarter + 0.5, 100.1 + quarter / 4)

    assert usage.recent(40, 110.0) == pytest.approx(20 / 5)
    assert usage.recent(60, 110.0) == pytest.approx(40 / 5)
    assert usage.recent(60, 120.0) == 0
    assert Usage().recent(60, 120.0) == 0
