"""What the emulators of one process can share, because it takes longer to make than they do."""

import contextlib
import ssl
import tempfile
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import trustme

from entra_emulator.clock import Clock
from entra_emulator.content.starting_content import StartingContent
from entra_emulator.directory.directory import Directory
from entra_emulator.in_process.loop_thread import LoopThread
from entra_emulator.server.authority import open_authority
from entra_emulator.server.uvicorn_thread import make_tls
from entra_emulator.tokens.signing import KeyRing

# Seconds after which a filled directory is filled anew, because times in it are counted back from
# when that happened.
_FRESH = 3600


class _Filled(NamedTuple):
    """A directory that was filled, and when."""

    image: bytes
    at: float


class SharedParts:
    """
    Keys, a certificate authority and an event loop for many emulators, one after the other.

    Attributes:
        keys: sign the tokens of all of them.
        thread: its loop runs all of them.
    """

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self.keys = KeyRing(None, Clock())
        self.thread = self._stack.enter_context(LoopThread())
        self._authority: tuple[trustme.CA, Path] | None = None
        self._tls: dict[tuple[str, ...], ssl.SSLContext] = {}
        self._filled: dict[object, _Filled] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the loop, and remove the certificate of the authority."""
        self._stack.close()

    def authority(self) -> tuple[trustme.CA, Path]:
        """The authority, and the file for clients to trust; made at the first call."""
        if self._authority is None:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="graphdaemon-"))
            self._authority = open_authority(Path(folder))
        return self._authority

    def tls(self, names: tuple[str, ...]) -> ssl.SSLContext:
        """TLS settings with a certificate for these names."""
        if names not in self._tls:
            self._tls[names] = make_tls(self.authority()[0], names)
        return self._tls[names]

    def fill(self, directory: Directory, content: StartingContent) -> None:
        """Fill an empty directory, with a copy if one was filled alike shortly before."""
        now, filled = directory.clock.now(), self._filled.get(content.key)
        if filled is not None and 0 <= now - filled.at < _FRESH:
            directory.load(filled.image)
            return
        content.fill(directory)
        self._filled[content.key] = _Filled(directory.dump(), now)
