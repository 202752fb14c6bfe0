"""The directory of an emulator and the keys beside it, opened in a folder or in memory."""

import contextlib
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

from entra_emulator.content.data_folder import STORE, explaining_store, hold_folder, make_store
from entra_emulator.content.seed import Sizes
from entra_emulator.content.starting_content import StartingContent, read_content
from entra_emulator.directory.directory import Directory
from entra_emulator.server.parameters_file import refuse_foreign_settings
from entra_emulator.server.settings import EmulatorSettings
from entra_emulator.server.shared_parts import SharedParts
from entra_emulator.tokens.signing import KeyRing
from entra_emulator.traffic.recording.recorded_directory import fill_recorded


class OpenedDirectory(NamedTuple):
    """
    An open directory, the keys of its tenants' tokens, and the folder of the emulator.

    Args:
        directory: filled.
        keys: made, or in the making.
        data: None where nothing is kept in files.
    """

    directory: Directory
    keys: KeyRing
    data: Path | None


def choose_content(settings: EmulatorSettings, sizes: Sizes) -> StartingContent:
    """
    What the settings want a new directory to be filled with.

    Raises:
        TenantFileError: the tenant file cannot be followed.
        OSError: it cannot be read.
    """
    content = read_content(settings.tenant_file, sizes, settings.seed, settings.progress)
    if settings.recording is None:
        return content
    return content._replace(recorded=partial(fill_recorded, path=settings.recording))


def open_directory(
    stack: contextlib.ExitStack,
    settings: EmulatorSettings,
    content: StartingContent,
    shared: SharedParts | None,
) -> OpenedDirectory:
    """
    The directory as the settings want it, until the stack closes it.

    Raises:
        FolderInUse: another emulator has the data folder.
        OSError: the folder cannot be used, or there is no room in it.
        ValueError: something in it was not written by an emulator of this version.
    """
    in_memory = settings.data is None and (
        settings.in_memory or settings.in_process or shared is not None
    )
    # The authority that it alone has, and snapshots of the control API.
    keeps_files = not (settings.in_process or shared is not None) or settings.control
    data = settings.data
    if data is None and (keeps_files or not in_memory):
        folder = tempfile.TemporaryDirectory(prefix="graphdaemon-")
        data = Path(stack.enter_context(folder))
    if data is not None:
        stack.enter_context(hold_folder(data))
    if in_memory or data is None:
        return _open_memory(stack, settings, content, shared)._replace(data=data)
    return _open_folder(stack, data, settings, content)


def _open_folder(
    stack: contextlib.ExitStack, data: Path, settings: EmulatorSettings, content: StartingContent
) -> OpenedDirectory:
    clock, path = settings.clock, data / STORE
    if not path.exists():
        refuse_foreign_settings(data)
    keys = KeyRing(data / "signing-keys.pem", clock)
    # The keys are made in the background: wait for their file before the folder goes.
    stack.callback(keys.wait)
    if not path.exists():
        make_store(path, content.fill, clock=clock)
    with explaining_store(path):
        directory = Directory(path, clock=clock)
        stack.callback(directory.close)
        if not directory.tenants.list_all():
            content.fill(directory)
    return OpenedDirectory(directory, keys, data)


def _open_memory(
    stack: contextlib.ExitStack,
    settings: EmulatorSettings,
    content: StartingContent,
    shared: SharedParts | None,
) -> OpenedDirectory:
    directory = Directory(None, clock=settings.clock)
    stack.callback(directory.close)
    if shared is None:
        keys = KeyRing(None, settings.clock)
        content.fill(directory)
    else:
        keys = KeyRing(None, settings.clock, like=shared.keys)
        shared.fill(directory, content)
    return OpenedDirectory(directory, keys, None)
