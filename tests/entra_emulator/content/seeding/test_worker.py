import os

import pytest

from entra_emulator.content.seeding.parts import SeedOrder, draw_parts
from entra_emulator.content.seeding.worker import draw_elsewhere


def test_elsewhere() -> None:
    """Another process draws the same."""
    order = SeedOrder(7, "11111111-1111-4111-8111-111111111111", 3, 300, 40, 50, 12, 1_800_000_000)

    assert list(draw_elsewhere(order)) == list(draw_parts(order))


def test_elsewhere_abandoned() -> None:
    """Whoever stops asking the other process ends it."""
    order = SeedOrder(7, "11111111-1111-4111-8111-111111111111", 3, 50_000, 0, 0, 0, 0)
    parts = draw_elsewhere(order)
    next(parts)
    parts.close()  # type: ignore[attr-defined] # it is a generator

    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
