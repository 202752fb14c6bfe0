from __future__ import annotations

from entra_emulator.traffic.report.call_log import CallLog
from tests.support.logged_calls import exchange


def test_the_newest_are_kept() -> None:
    """Older ones are counted, and forgotten; cleared, it begins anew."""
    log = CallLog(2)
    for number in range(5):
        log.note(exchange(target=f"/v1.0/users/{number}"))
    assert (log.report().requests, log.report().forgotten) == (2, 3)
    log.clear()
    assert (log.report().requests, log.report().forgotten) == (0, 0)


def test_what_is_no_call() -> None:
    """What is neither Graph's nor the token service's is not counted."""
    log = CallLog()
    log.note(exchange(target="/common/discovery/instance"))
    assert log.report().routes == []
