"""
Replace the app's certificate: add the new key, prove it, switch to it, remove the old one.

Each step is recorded in a journal beside the key file before the next begins, and each may be
repeated: killed at any moment and run again, a rotation ends with one key that works and no other.

    app.pem           the key in use
    app.pem.new       the next key, until the switch
    app.pem.old       the last key, after the switch
    app.pem.rotation  the journal
    app.pem.lock      the lock that a running rotation holds
"""

import contextlib
import dataclasses
import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from graphdaemon.auth.key_files import KeyPair, is_pem_file, read_certificate, read_key_pair
from graphdaemon.auth.kinds import read_credential
from graphdaemon.auth.kinds.certificate import read_passphrase
from graphdaemon.auth.msal_app import MsalApp
from graphdaemon.auth.token import Token
from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import IdentityError, SettingsError, UsageError
from graphdaemon.http.transport import Transport
from graphdaemon.registration.own_keys import OwnKeys, RegisteredKeys
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import Settings
from graphdaemon.settings.setting import Secret
from graphdaemon.sharing.draft import flush_folder
from graphdaemon.sharing.file_lock import hold_lock
from graphdaemon.sharing.private_files import replace_private

_WAITS_S = (2.0, 4.0, 8.0, 15.0, *[30.0] * 20)
"""Seconds between tries of the new certificate; it takes minutes until it is known everywhere."""


@dataclasses.dataclass(frozen=True, slots=True)
class RotationJournal:
    """
    How far a rotation got.

    Attributes:
        step: The last finished step: `begun`, `made`, `added`, `proved`, `switched` or `done`.
        old: Thumbprint of the certificate that is replaced.
        new: Thumbprint of the certificate that replaces it; empty until it is made.
        old_key_id: Graph's ID of the old key, if known.
        new_key_id: Graph's ID of the new key, if known.
        older: Thumbprint of the certificate that the last rotation left in `.old`, if any.
    """

    step: str
    old: str
    new: str
    old_key_id: str | None = None
    new_key_id: str | None = None
    older: str | None = None


class Rotation:
    """
    One rotation, new or resumed.

    Args:
        settings: The app's settings; their first certificate is the one to replace.
        transport: The connections to token service and Graph.
        object_id: Object ID of the application, for apps that may not read their registration.
        make: Makes a key pair as PEM text, encrypted with the passphrase if there is one.
        say: Tells a person what is done.
        sleep: Waits some seconds.

    Raises:
        SettingsError: The configured credential cannot be rotated.
    """

    def __init__(
        self,
        settings: Settings,
        transport: Transport,
        *,
        object_id: str | None = None,
        make: Callable[[Secret | None], str],
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._credential = _find_rotatable(settings)
        assert self._credential.private_key_file is not None, "a certificate has a key file"
        # Behind any symbolic link: replacing the link itself would leave its target the old key.
        self._file = self._credential.private_key_file.resolve()
        self._new_file = self._beside("new")
        self._settings = settings
        self._msal_app = MsalApp(settings, transport)
        self._keys = OwnKeys(settings, transport, self._token, object_id)
        self._passphrase = read_passphrase(self._credential)
        self._make = make
        self._say = say
        self._sleep = sleep
        self._pairs: dict[bytes, KeyPair] = {}
        self._resumed = False
        self._kept_token: Token | None = None

    def run(self) -> RotationJournal:
        """
        Do the steps that are left, and return the finished journal.

        Raises:
            Error: Run it again: it continues where it stopped.
        """
        with (
            _explaining(),
            hold_lock(self._beside("lock"), 1, "another rotation of this key is under way"),
        ):
            journal = self._read_journal()
            if journal is None or journal.step == "done":
                journal = self._begin(journal)
            else:
                # A key that is yet to be made cannot have been added.
                self._resumed = journal.step != "begun"
                self._say(f"Continuing the rotation that stopped after the step: {journal.step}.")
            for step, work in (
                ("begun", self._make_new),
                ("made", self._add),
                ("added", self._prove),
                ("proved", self._switch),
                ("switched", self._remove),
            ):
                if journal.step == step:
                    journal = work(journal)
                    self._write_journal(journal)
        return journal

    def read_current(self) -> KeyPair:
        """Read the key pair in use."""
        return self._read(self._file)

    def _begin(self, last: RotationJournal | None) -> RotationJournal:
        old = _thumbprint(self._read(self._file))
        older = last.old if last is not None else None
        if self._new_file.exists():
            raise _foreign(self._new_file)
        self._refuse_foreign_old(older)
        # The last rotation got this ID when it added the key; an app that may not read its
        # registration cannot look it up any more.
        old_key_id = last.new_key_id if last is not None and last.new == old else None
        journal = RotationJournal("begun", old, "", old_key_id, older=older)
        # First, since it says that the next key, once it is there, is ours.
        self._write_journal(journal)
        return journal

    def _refuse_foreign_old(self, *ours: str | None) -> None:
        """
        Make sure that `.old`, which is about to be replaced, holds one of our certificates.

        Raises:
            SettingsError: It is somebody else's.
        """
        path = self._beside("old")
        if os.path.lexists(path) and not any(_holds(path, one) for one in ours if one):
            raise _foreign(path)

    def _make_new(self, journal: RotationJournal) -> RotationJournal:
        _write(self._new_file, self._make(self._passphrase))
        new = _thumbprint(self._read(self._new_file))
        self._say(f"Made a key pair, thumbprint {new}.")
        return dataclasses.replace(journal, step="made", new=new)

    def _add(self, journal: RotationJournal) -> RotationJournal:
        registered = self._keys.read()
        key_ids = (registered.key_ids or {}).get(journal.new)
        if key_ids:
            return dataclasses.replace(journal, step="added", new_key_id=key_ids[0])
        # A run that was killed may have added it; without reading the keys, trying it tells.
        if self._resumed and registered.key_ids is None and self._wait_for_new(_WAITS_S[:4]):
            return dataclasses.replace(journal, step="added")
        (certificate, *_) = self._read(self._new_file).certificate.chain
        key_id = self._keys.add(registered.object_id, certificate, self._read(self._file))
        self._say("Added it to the app.")
        return dataclasses.replace(journal, step="added", new_key_id=key_id)

    def _prove(self, journal: RotationJournal) -> RotationJournal:
        if not self._wait_for_new(_WAITS_S):
            raise IdentityError(
                "the new certificate was added to the app, but the identity platform does not "
                "accept it yet; the old one stays in use",
                code="rotation_unproved",
                hint="Run it again in a few minutes: it continues where it stopped.",
            )
        self._say("The identity platform accepts it.")
        return dataclasses.replace(journal, step="proved")

    def _switch(self, journal: RotationJournal) -> RotationJournal:
        if _thumbprint(self._read(self._file)) != journal.new:
            # Somebody may have put it there since this rotation began.
            self._refuse_foreign_old(journal.older, journal.old)
            # A copy, not a renaming, so that there is a key in place at every moment.
            replace_private(self._beside("old"), self._file.read_bytes())
            _copy_access(self._file, self._new_file)
            self._new_file.replace(self._file)
            flush_folder(self._file.parent)
        self._say(f"Switched: {self._file} is the new one, {self._beside('old').name} the old.")
        return dataclasses.replace(journal, step="switched")

    def _remove(self, journal: RotationJournal) -> RotationJournal:
        # The new key proves possession, so the old one goes only if the app has the new one.
        registered, new = self._keys.read(), self._read(self._file)
        for key_id in self._list_old(registered, journal):
            self._keys.remove(registered.object_id, key_id, new)
            self._say("Removed the old key from the app.")
        return dataclasses.replace(journal, step="done")

    def _list_old(self, registered: RegisteredKeys, journal: RotationJournal) -> list[str]:
        if registered.key_ids is not None:
            return registered.key_ids.get(journal.old, [])
        if journal.old_key_id is not None:
            return [journal.old_key_id]
        self._say(
            "The old key was not removed, because the app may not read its registration and so "
            "does not know the ID of the key. Delete it under Certificates & secrets > "
            f"Certificates: thumbprint {journal.old}."
        )
        return []

    def _wait_for_new(self, waits: Sequence[float]) -> bool:
        """Whether the identity platform accepts the new key, now or after one of these waits."""
        new = self._credential._replace(private_key_file=self._new_file)
        for wait in (*waits, None):
            try:
                self._kept_token = self._request(new)
            except IdentityError as error:
                # It says so of a key that it does not know yet (AADSTS700027, quoted in
                # azure-sdk-for-net#29007); any other refusal does not pass by waiting.
                if error.error != "invalid_client":
                    raise
            else:
                return True
            if wait is not None:
                self._say(f"Not accepted yet; trying again in {wait:.0f} s.")
                self._sleep(wait)
        return False

    def _token(self) -> Token:
        if self._kept_token is None:
            self._kept_token = self._request(self._credential)
        return self._kept_token

    def _request(self, credential: CredentialSettings) -> Token:
        return self._msal_app.request_token(read_credential(self._settings, credential))

    def _read(self, path: Path) -> KeyPair:
        """Read the key pair in a file, once for each content: checking a key takes long."""
        content = path.read_bytes()
        if content not in self._pairs:
            self._pairs[content] = read_key_pair(path, passphrase=self._passphrase)
        return self._pairs[content]

    def _beside(self, ending: str) -> Path:
        return self._file.with_name(f"{self._file.name}.{ending}")

    def _read_journal(self) -> RotationJournal | None:
        path = self._beside("rotation")
        try:
            return RotationJournal(**json.loads(path.read_text(encoding="ascii")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise SettingsError(
                f"{path} is damaged, so it is not known how far the last rotation got",
                code="rotation_impossible",
                hint="Compare the app's certificates (Certificates & secrets) with the key files, "
                "delete the file, and run it again.",
            ) from None

    def _write_journal(self, journal: RotationJournal) -> None:
        _write(self._beside("rotation"), json.dumps(dataclasses.asdict(journal), indent=2) + "\n")


def _find_rotatable(settings: Settings) -> CredentialSettings:
    """
    Find the configured certificate, if its file can be replaced as a whole.

    Raises:
        SettingsError: There is no certificate, or its file cannot be replaced.
    """
    for credential in settings.credentials:
        if credential.kind == "certificate":
            break
    else:
        raise SettingsError(
            "no certificate is configured that could be rotated",
            code="rotation_impossible",
            hint="Create one with `graphdaemon certificate new`, upload it, and set "
            "private_key_file.",
        )
    assert credential.private_key_file is not None, "a certificate has a key file"
    if credential.thumbprint:
        obstacle = "thumbprint is set"
        hint = "Delete the setting thumbprint. It follows from the certificate in the file."
    elif credential.certificate_file:
        obstacle = "the certificate is in a file of its own"
        hint = (
            "Append the content of certificate_file to private_key_file, and delete the setting. "
            "Two files cannot be replaced at once."
        )
    elif not is_pem_file(credential.private_key_file):
        obstacle = f"{credential.private_key_file} is a PFX file, or not PEM"
        hint = "Convert it to PEM: openssl pkcs12 -in FILE -out FILE.pem."
    else:
        return credential
    raise SettingsError(
        f"the certificate cannot be rotated: {obstacle}", code="rotation_impossible", hint=hint
    )


def _thumbprint(pair: KeyPair) -> str:
    assert pair.certificate.thumbprint is not None, "the file holds the certificate"
    return pair.certificate.thumbprint


def _foreign(path: Path) -> SettingsError:
    return SettingsError(
        f"{path} already exists, and was not written by a rotation",
        code="file_foreign",
        hint="Move it away, and run it again.",
    )


def _holds(path: Path, thumbprint: str) -> bool:
    """Whether a file holds the certificate with this thumbprint; its key may be encrypted."""
    try:
        return read_certificate(path, None).thumbprint == thumbprint
    except SettingsError:
        return False


def _write(path: Path, text: str) -> None:
    replace_private(path, text.encode("ascii"))


@contextlib.contextmanager
def _explaining() -> Iterator[None]:
    """Turn what goes wrong with one of the files into the error that says what to do."""
    try:
        yield
    except TimeoutError as error:
        raise UsageError(
            str(error), code="rotation_busy", hint="Wait for its end, and run it again."
        ) from None
    except OSError as error:
        raise SettingsError(
            f"{error.filename or 'a file'} cannot be used: {error.strerror}",
            code="file_unwritable",
            hint=f"{advise(error.errno)} Run it again: it goes on where it stopped.",
        ) from error


def _copy_access(old: Path, new: Path) -> None:
    """Let those who could read the old key, such as the daemon's own user, read the new one."""
    status = old.stat()
    if os.name == "posix":
        # Only root may give a file away; what anybody else makes stays their own.
        with contextlib.suppress(PermissionError):
            os.chown(new, status.st_uid, status.st_gid)
    new.chmod(stat.S_IMODE(status.st_mode))
