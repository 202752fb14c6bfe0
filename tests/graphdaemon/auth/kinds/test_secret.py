"""A client secret in a file or the keyring: what is read as meant, and what is named."""

from __future__ import annotations

from pathlib import Path

import keyring
import pytest

from graphdaemon.auth.kinds.secret import read, read_secret_file
from graphdaemon.errors import SettingsError
from graphdaemon.settings.read import read_settings
from tests.support.keyring_in_memory import KeyringInMemory

VALUE = "xOm8Q~Yk3vT.w7bN_rL2cJ9dF-hG5sA1pZ6uE4iX"


@pytest.mark.parametrize("content", ["a\nb", "a\u200bb", '"a', "a\tb"])
def test_a_file_whose_secret_nobody_can_have_meant_is_named(tmp_path: Path, content: str) -> None:
    """A second line, a sign that cannot be seen, half a quote: it would be refused, far away."""
    path = tmp_path / "secret"
    path.write_text(content, "utf-8")
    path.chmod(0o600)

    with pytest.raises(SettingsError, match=r"secret_file .*secret (has|holds|contains)") as caught:
        read_secret_file(path, "secret_file")

    assert caught.value.code == "secret_unreadable"


def test_a_secret_in_the_place_of_its_file_is_not_repeated() -> None:
    """Who puts the secret into secret_file would find it in the log."""
    with pytest.raises(SettingsError, match="looks like a client secret") as caught:
        read_secret_file(Path(VALUE), "secret_file")

    assert VALUE[:6] not in str(caught.value)


@pytest.mark.parametrize(
    ("kept", "read_as"), [(f'"{VALUE}"\n', VALUE), ("a\u200bb", None), ("\u200b", None)]
)
def test_an_entry_of_the_keyring_is_read_as_a_file_is(
    monkeypatch: pytest.MonkeyPatch, kept: str, read_as: str | None
) -> None:
    """It was pasted as well."""
    held = KeyringInMemory()
    held.set_password("graphdaemon", "pasted", kept)
    monkeypatch.setattr(keyring, "get_password", held.get_password)
    given = {"tenant": "t", "client_id": "c", "secret_keyring": "graphdaemon/pasted"}
    settings = read_settings(None, {}, given)

    if read_as is None:
        with pytest.raises(SettingsError, match="graphdaemon/pasted"):
            read(settings, settings.credentials[0])
        return
    secret = read(settings, settings.credentials[0]).secret
    assert secret is not None
    assert secret.reveal() == read_as
