from __future__ import annotations

import pytest

from entra_emulator.traffic.report.logged_call import AppCaller, LoggedCall
from entra_emulator.traffic.report.tokens import find_needless
from tests.support.logged_calls import token_call


@pytest.mark.parametrize(
    ("calls", "needless"),
    [
        ([token_call()], 0),
        ([token_call(), token_call(at=1)], 1),
        ([token_call(at=float(n)) for n in range(5)], 4),
        ([token_call(), token_call(at=3301)], 0),
        ([token_call(), token_call(at=3200)], 1),
        ([token_call(status=401), token_call(at=1)], 0),
        ([token_call(), token_call(at=1, audience="api://x/.default")], 0),
        ([token_call(), token_call(at=1, caller=AppCaller("other", "tenant-1"))], 0),
        ([token_call(), token_call(at=1, caller=AppCaller("app-1", "other"))], 0),
        ([token_call(grant="refresh_token"), token_call(at=1, grant="refresh_token")], 0),
    ],
)
def test_needless(calls: list[LoggedCall], needless: int) -> None:
    """A token that is valid for five more minutes serves for the same API and tenant."""
    assert [finding.times for finding in find_needless(calls)] == ([needless] if needless else [])
