"""Somebody at a browser, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from entra_emulator.server.emulator import Emulator
from tests.support.browser_person import Person
from tests.support.chromium import find_chromium, run_chromium


@pytest.fixture(scope="module")  # no longer than that: see run_chromium
def chromium(emulator: Emulator) -> Iterator[Browser]:
    """The browser."""
    path = find_chromium()
    if path is None:
        pytest.skip("there is no Chromium on this machine (apt-get install chromium)")
    with run_chromium(path, emulator) as browser:
        yield browser


@pytest.fixture
def person(chromium: Browser, emulator: Emulator) -> Iterator[Person]:
    """Somebody with a wide window, who reads English."""
    with Person.at(chromium, emulator) as somebody:
        yield somebody
