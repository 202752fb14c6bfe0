"""The operating system's keyring; the package keyring (an extra) lives here alone."""

from typing import Any

from graphdaemon.errors import SettingsError


def read_entry(name: str) -> str | None:
    """
    Return what the keyring holds under `service/name`, or None.

    Raises:
        SettingsError: There is no keyring here, or it is locked.
    """
    value: str | None = _ask("get_password", name)
    return value


def write_entry(name: str, value: str) -> None:
    """Keep `value` under `service/name`; fails as `read_entry` does."""
    _ask("set_password", name, value)


def _ask(verb: str, name: str, *values: str) -> Any:
    service, _, entry = name.partition("/")
    try:
        import keyring
        import keyring.errors
    except ModuleNotFoundError:
        raise SettingsError(
            "the operating system's keyring is not within reach: the package keyring is missing",
            code="package_missing",
            hint="Run pip install 'graphdaemon[keyring]'.",
        ) from None
    try:
        return getattr(keyring, verb)(service, entry, *values)
    except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
        raise SettingsError(
            f"the operating system's keyring cannot be used: {type(error).__name__}",
            code="keyring_unusable",
            hint="On a server without a desktop there is usually none: use a file of mode 0600 "
            "(secret_file, token_cache_key_file) instead.",
        ) from None
