"""A keyring that forgets: what a desktop's keyring is to a test."""

from __future__ import annotations

from typing import ClassVar

import keyring.backend


class KeyringInMemory(keyring.backend.KeyringBackend):
    priority = 1

    entries: ClassVar[dict[tuple[str, str], str]] = {}

    def __init__(self) -> None:
        """Without the options a real keyring reads from the environment."""

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password
