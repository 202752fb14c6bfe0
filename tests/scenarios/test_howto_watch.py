"""What the page about watching the daemon shows is run, as its reader would run it."""

from __future__ import annotations

import re

from tests.support.places import DOCS

TEXT = (DOCS / "how-to" / "watch-the-daemon.md").read_text("utf-8")


def test_the_states_are_those_that_the_command_shows() -> None:
    from typing import get_args

    from graphdaemon.daemon.status import State

    shown = re.findall(r"^\| (fresh|failing|late|never|left out) \|", TEXT, re.MULTILINE)
    assert [name.replace(" ", "_") for name in shown] == list(get_args(State))
