"""The local state: the settings file and the key file that a registration writes here."""

import errno
import hashlib
import json
import os
import re
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from graphdaemon.auth.key_files import LONGEST_NAME, KeyPair, read_key_pair
from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import SettingsError
from graphdaemon.http.interception import read_signer
from graphdaemon.registration.desired import DesiredState
from graphdaemon.registration.toml import write_toml
from graphdaemon.settings.file_content import read_small_file
from graphdaemon.settings.text import decode_text
from graphdaemon.sharing.private_files import replace_private

_NOTE = re.compile(
    r"Written by graphdaemon register for the app (?P<name>[^;]+);"
    r"(?: the secret's ID is (?P<key_id>[\w-]+);)?"
)
_CREDENTIALS = ("private_key_file", "secret", "federated")


class LocalState(NamedTuple):
    """
    What the files here have.

    Attributes:
        kind: Kind of the credential in the settings, if there are settings.
        mark: Display name of the credentials that are added to the app from here.
        key_id: Key ID (Secret ID) of the secret in the settings, if they have one.
        thumbprint: SHA-1 thumbprint of the certificate in the key file, if there is one.
        expires_at: When that certificate expires, in epoch seconds.
    """

    kind: str | None = None
    mark: str = "graphdaemon register"
    key_id: str | None = None
    thumbprint: str | None = None
    expires_at: float | None = None

    def is_marked(self, credential: Mapping[str, Any]) -> bool:
        """Say whether a credential was added from here."""
        return credential.get("displayName") == self.mark


class LocalFiles:
    """
    The settings file and the key file beside it.

    Args:
        path: The settings file: TOML if its name ends in .toml, else JSON.
        desired: The app that they are for.
        force: Replace files that somebody else has written.

    Raises:
        SettingsError: The settings file was written by somebody else.
    """

    def __init__(self, path: Path, desired: DesiredState, *, force: bool = False) -> None:
        self.path = path.absolute()
        self.key_file = self.path.with_suffix(".pem")
        self._desired = desired
        self._force = force
        self._pair: KeyPair | None = None
        self._values = self._read_own()

    @property
    def values(self) -> Mapping[str, Any]:
        """The settings that an earlier run has written; empty if there are none."""
        return self._values

    @property
    def certificate(self) -> bytes:
        """The certificate in the key file as DER; empty if there is none."""
        return self._pair.certificate.chain[0] if self._pair else b""

    @property
    def title(self) -> str:
        """
        The subject of the certificate, which tells our key file from somebody else's.

        It fits into a common name: a long name is cut, and a digest tells it from others.
        """
        title = f"graphdaemon register {self._desired.name}"
        if len(title) <= LONGEST_NAME:
            return title
        digest = hashlib.sha256(title.encode()).hexdigest()[:8]
        return f"{title[: LONGEST_NAME - 9]}~{digest}"

    def check(self, authority: str) -> None:
        """
        Make sure that the files can be written for this tenant, before anything is changed there.

        Raises:
            SettingsError: They cannot be written, or are for another tenant.
        """
        folder = self.path.resolve().parent
        written = str(self._values.get("authority", authority))
        if written.rstrip("/") != authority.rstrip("/") and not self._force:
            raise SettingsError(
                f"{self.path} is there already, for another tenant: {written}",
                code="file_foreign",
                hint="Name another file with --output, or replace this one with --force.",
            )
        # Files are replaced by renaming, which the folder's permissions decide and not the file's.
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            number = errno.EACCES if folder.is_dir() else errno.ENOENT
            raise _unwritable(self.path, OSError(number, os.strerror(number)))

    def read_state(self) -> LocalState:
        """
        Read what the files have.

        Raises:
            SettingsError: The key file is somebody else's, or damaged.
        """
        note = _NOTE.match(str(self._values.get("note", "")))
        kind = next((name for name in _CREDENTIALS if self._values.get(name)), None)
        self._pair = self._read_key()
        return LocalState(
            {"private_key_file": "certificate"}.get(kind or "", kind),
            _make_mark(self.path),
            note["key_id"] if note and kind == "secret" else None,
            self._pair.certificate.thumbprint if self._pair else None,
            self._pair.certificate.expires_at if self._pair else None,
        )

    def write_key(self, pem: str) -> None:
        """
        Write a key with its certificate; nobody else can read it at any moment.

        Raises:
            SettingsError: It cannot be written.
        """
        self._write(self.key_file, pem)
        self._pair = self._read_key()

    def write(self, values: Mapping[str, Any], key_id: str | None = None) -> bool:
        """
        Write the settings, and keep what people have added; tell whether anything is different.

        Raises:
            SettingsError: They cannot be written.
        """
        secret = f" the secret's ID is {key_id};" if key_id else ""
        note = (
            f"Written by graphdaemon register for the app {self._desired.name};{secret} run again, "
            "it replaces what it has written, and keeps what you have added."
        )
        kept = {name: value for name, value in self._values.items() if name not in _CREDENTIALS}
        merged = {**kept, **values, "note": note}
        if merged == self._values:
            return False
        toml = self.path.suffix == ".toml"
        self._write(self.path, write_toml(merged) if toml else json.dumps(merged, indent=2) + "\n")
        self._values = merged
        return True

    def remove(self) -> list[Path]:
        """
        Remove the files that an earlier run has written, and return their paths.

        Raises:
            SettingsError: One cannot be removed.
        """
        own = [self.path] if self._values else []
        if self._read_key() is not None:
            own.append(self.key_file)
        for path in own:
            try:
                # Not a link to it, which somebody else has made.
                path.resolve().unlink()
            except OSError as error:
                raise _unwritable(path, error) from None
        return own

    def _read_own(self) -> dict[str, Any]:
        """The settings that an earlier run has written for this app."""
        try:
            text = decode_text(read_small_file(self.path))
            loads = tomllib.loads if self.path.suffix == ".toml" else json.loads
            content = loads(text)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            content = None
        values: dict[str, Any] = content if isinstance(content, dict) else {}
        note = _NOTE.match(str(values.get("note", "")))
        if note is not None and note["name"] == self._desired.name:
            return values
        if self._force:
            return {}
        owner = f" for the app {note['name']}" if note else " by somebody else"
        raise SettingsError(
            f"{self.path} is there already, written{owner}",
            code="file_foreign",
            hint="Name another file with --output, or replace this one with --force.",
        )

    def _read_key(self) -> KeyPair | None:
        if not self.key_file.exists():
            return None
        try:
            pair = read_key_pair(self.key_file)
            own = bool(pair.certificate.chain) and (
                read_signer(pair.certificate.chain[0]) == self.title
            )
        except SettingsError:
            own = False
        if own:
            return pair
        if self._force:
            return None
        raise SettingsError(
            f"{self.key_file} is there already, written by somebody else",
            code="file_foreign",
            hint="Name another file with --output (the key is kept beside it), or replace this "
            "one with --force.",
        )

    def _write(self, path: Path, text: str) -> None:
        try:
            # A link to the file, which somebody else has made, stays one.
            replace_private(path.resolve(), text.encode())
        except OSError as error:
            raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"{path} cannot be written: {error.strerror}",
        code="file_unwritable",
        hint=f"{advise(error.errno, 'name another file with --output')} Then run it again.",
    )


def _make_mark(path: Path) -> str:
    """
    The display name of credentials that belong to this file on this machine.

    A run replaces and removes those alone, so that other machines keep theirs. Graph takes names of
    up to 90 characters.
    """
    machine = socket.gethostname()
    digest = hashlib.sha256(f"{machine} {path}".encode()).hexdigest()[:8]
    return f"graphdaemon register {digest} on {machine}"[:90]
