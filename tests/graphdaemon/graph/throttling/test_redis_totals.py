"""The totals that Redis keeps of all processes."""

import pytest

from graphdaemon.graph.throttling.bucket import Totals
from graphdaemon.graph.throttling.redis_totals import RedisTotals
from graphdaemon.settings.setting import Secret
from tests.support.redis_server import RedisServer

WHOSE = ("https://graph.test/v1.0", "tenant", "app")


def test_totals_in_redis(redis_server: RedisServer) -> None:
    """Added up, each app for itself; the pause is what is left of it, by Redis's own clock."""
    totals = RedisTotals(Secret(redis_server.url), None, WHOSE)
    totals.exchange(Totals(10, 1, 5, 80.0))
    found = totals.exchange(Totals(2.5))

    assert (found.used, found.refusals, found.rate) == (12.5, 1, 80)
    assert 4 < found.pause <= 5
    # What was used a moment ago is still there, but for what ran out meanwhile.
    assert 2.5 <= found.level <= 12.5
    assert RedisTotals(Secret(redis_server.url), None, ("other",)).exchange(Totals()) == Totals()


@pytest.mark.parametrize("rate", ["nan", "inf", "-1", "1e999", "much"])
def test_totals_that_are_no_numbers_are_a_store_that_cannot_be_used(
    redis_server: RedisServer, rate: str
) -> None:
    """Whoever knows the password may have written them; each process goes by its own bucket."""
    totals = RedisTotals(Secret(redis_server.url), None, (rate,))
    totals.exchange(Totals(10))
    totals._redis.hset(totals._key, "rate", rate)

    with pytest.raises(OSError, match=r"no numbers|Redis"):
        totals.exchange(Totals(1))
