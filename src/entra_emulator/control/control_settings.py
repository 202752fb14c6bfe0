"""What the control API needs of the emulator as a whole."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request

from entra_emulator.content.life import Life
from entra_emulator.content.seed import Sizes
from entra_emulator.directory.directory import Directory
from entra_emulator.traffic.report.report import Report


class ControlSettings(NamedTuple):
    """
    Where snapshots are kept, and what else belongs to the emulator as a whole.

    Args:
        snapshots: the folder.
        sizes, seed: what a reset draws where its body does not say.
        life: of the directory.
        fill: fills the empty directory as the emulator's start does, which a reset without a body
            does again.
        report: makes the report on the programs that called; None if their calls are not kept.
        forget_calls: forgets those that were kept.
    """

    snapshots: Path
    sizes: Sizes
    seed: int
    life: Life
    fill: Callable[[Directory], None]
    report: Callable[[], Report] | None = None
    forget_calls: Callable[[], None] = lambda: None


def settings_of(request: Request) -> ControlSettings:
    """The settings that were handed to `create_control`."""
    settings: ControlSettings = request.app.state.settings
    return settings
