"""The picture of Graph's bucket: what each answer teaches."""

from graphdaemon.throttling.bucket import Bucket, Usage


def test_a_clock_that_begins_anew_empties_the_bucket() -> None:
    """After a restart of the machine nothing of before counts."""
    bucket = Bucket(rate=10, level=100, stamp=1e6, paused_until=1e6 + 300)

    assert bucket.take(1, 5.0) == 5.0


def test_little_use_shows_no_rate() -> None:
    """If somebody else used it up, we do not learn what the whole is."""
    usage = Usage()
    for at in range(20):
        usage.add(float(at), float(at))

    assert usage.rate(20, 20) is None
