from __future__ import annotations

from entra_emulator.web.pages.notices import MOST_SESSIONS, Notices


def test_once() -> None:
    """What is kept is there once, for its own session, until that ends."""
    notices = Notices()
    notices.keep("a", "secret", "x")
    notices.keep("a", "notice", "y")
    notices.keep("b", "secret", "z")

    assert [notices.take("a", "secret") for _ in range(2)] == ["x", None]
    notices.forget("a")
    assert notices.take("a", "notice") is None
    assert notices.take("b", "secret") == "z"


def test_bounds() -> None:
    """Sessions that nobody looks at any more are forgotten, the oldest first."""
    notices = Notices()
    for number in range(MOST_SESSIONS + 1):
        notices.keep(f"s{number}", "secret", number)

    assert notices.take("s0", "secret") is None
    assert notices.take("s1", "secret") == 1
