"""Checks of one setting: is it a text, an address, a list? Each error says where it was read."""

import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from graphdaemon.errors import SettingsError
from graphdaemon.settings.duration import read_duration
from graphdaemon.settings.setting import Layer, Secret
from graphdaemon.settings.text import clean, encode_host, name_flaw, quote

_UNSEEN = "Type it again by hand: the pasted text contains invisible characters."


def invalid_setting(layer: Layer, name: str, problem: str, hint: str) -> SettingsError:
    """The error for a value of the wrong form."""
    source = layer[name][1] if name in layer else "the default"
    return SettingsError(f"{name} in {source} {problem}", code="setting_invalid", hint=hint)


def check_text(layer: Layer, name: str) -> str | None:
    """Return the text called `name`, or None. An invisible character in it is an error."""
    value = _check_string(layer, name)
    if value is not None and (flaw := name_flaw(value)) is not None:
        raise invalid_setting(layer, name, flaw, _UNSEEN)
    return value


def check_id(layer: Layer, name: str) -> str | None:
    """Return the ID or name called `name`, which must not contain a blank, or None."""
    value = _check_string(layer, name)
    if value is not None and (flaw := name_flaw(value, blanks=False)) is not None:
        raise invalid_setting(layer, name, flaw, _UNSEEN)
    return value


def check_secret(layer: Layer, name: str) -> Secret | None:
    """Return the text called `name`, wrapped so that it is never shown by accident, or None."""
    value = check_text(layer, name)
    return Secret(value) if value else None


def check_passphrase(layer: Layer, name: str) -> Secret | None:
    """Return the passphrase called `name`, in which every character counts, or None."""
    value = _check_string(layer, name)
    return Secret(value) if value else None


def check_path(layer: Layer, name: str) -> Path | None:
    """Return the file or folder called `name`, or None."""
    value = _check_string(layer, name)
    if value is not None and "\0" in value:
        raise invalid_setting(layer, name, "holds the character U+0000", _UNSEEN)
    return Path(value) if value else None


def _check_string(layer: Layer, name: str) -> str | None:
    if name not in layer:
        return None
    value, _ = layer[name]
    if not isinstance(value, str):
        # Of its value nothing is said: it may be a secret, or stand in a secret's place.
        raise invalid_setting(
            layer,
            name,
            f"is not a text but {_describe_type(value)}",
            "Put it in quotation marks."
            if isinstance(value, int | float)
            else "Write a single text in quotation marks.",
        )
    return value


def _describe_type(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    return f"a {type(value).__name__}"


def check_choice(layer: Layer, name: str, words: tuple[str, ...]) -> str | None:
    """Return the word called `name`, which must be one of `words`, or None."""
    value = check_text(layer, name)
    if value is not None and value not in words:
        raise invalid_setting(
            layer,
            name,
            f"is not {join_choices(words)}: {quote(value)}",
            f"Write {join_choices(words)}.",
        )
    return value


def check_duration(layer: Layer, name: str, default: float | None) -> float | None:
    """Return the length of time called `name` in seconds, or None if it has no end."""
    value = check_text(layer, name)
    if value is None:
        return default
    try:
        return read_duration(value)
    except ValueError:
        raise invalid_setting(
            layer,
            name,
            f"is not a length of time: {quote(value)}",
            "Write 7d, 12h, 30m, 90s or never.",
        ) from None


def check_switch(layer: Layer, name: str) -> bool:
    """Return the switch called `name`. In a variable it is written as 1 or true."""
    value, _ = layer.get(name, (False, ""))
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in words:
        raise invalid_setting(layer, name, "is neither true nor false", "Write true or false.")
    return words[value.lower()]


def check_words(layer: Layer, name: str, example: str) -> tuple[str, ...] | None:
    """Return the list of texts called `name`. A single text is split at its blanks."""
    if name not in layer:
        return None
    value, _ = layer[name]
    items = _split_words(value) if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise invalid_setting(layer, name, "is not a list of texts", f"Write {example}.")
    return tuple(items)


def _split_words(text: str) -> object:
    # A variable is filled in by people who have seen the list in the file.
    if text.startswith("["):
        import json

        try:
            return [clean(item) for item in json.loads(text)]
        except (ValueError, TypeError, AttributeError):
            return None
    return [clean(item) for item in text.split()]


def check_scope(layer: Layer) -> tuple[str, ...] | None:
    """Return the scopes, in which no character can be meant that cannot be seen, or None."""
    scopes = check_words(layer, "scope", '["https://graph.microsoft.com/.default"]')
    for scope in scopes or ():
        if (flaw := name_flaw(scope, blanks=False)) is not None:
            raise invalid_setting(layer, "scope", flaw, _UNSEEN)
    return scopes


def check_https(layer: Layer, name: str) -> str | None:
    """Return the https address called `name`, or None."""
    value = check_text(layer, name)
    if value is None:
        return None
    parts = split_address(value)
    # Addresses are logged and shown in errors, so none may hold a password.
    if "@" in (parts.netloc if parts is not None else value):
        raise invalid_setting(
            layer, name, "holds a user name", "Leave out what stands before the @."
        )
    if parts is None or parts.scheme != "https" or not _is_host(parts):
        raise invalid_setting(
            layer,
            name,
            f"is not an https address: {quote(value)}",
            f"Write {quote(f'https://{parts.netloc}{parts.path}')}: tokens travel over TLS only."
            if parts is not None and parts.scheme == "http"
            else "Write it in full, beginning with https://.",
        )
    return value


def split_address(address: str) -> SplitResult | None:
    """Return the parts of an address; None if it has none. No error can quote its password."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts


def check_thumbprint(layer: Layer, name: str) -> str | None:
    """Return the certificate's thumbprint called `name`, as upper-case hex digits, or None."""
    value = check_text(layer, name)
    if not value:
        return None
    # Windows shows it with blanks between the bytes, .NET with hyphens, OpenSSL with colons behind
    # the name of the hash.
    digits = re.sub(r"^sha-?(1|256) fingerprint=", "", value, flags=re.IGNORECASE)
    thumbprint = re.sub(r"[\s:-]", "", digits).upper()
    if not re.fullmatch(r"[0-9A-F]{40}|[0-9A-F]{64}", thumbprint):
        raise invalid_setting(
            layer,
            name,
            "is not 40 hexadecimal digits (SHA-1), nor 64 (SHA-256)",
            "Copy it from Certificates & secrets > Certificates.",
        )
    return thumbprint


def check_keyring_entry(layer: Layer, name: str) -> str | None:
    """Return the name of a keyring's entry called `name`, which is `service/name`, or None."""
    value = check_text(layer, name)
    if value is not None and not all(value.partition("/")):
        raise invalid_setting(
            layer, name, "is not of the form service/name", "Write graphdaemon/secret."
        )
    return value


def _is_host(parts: SplitResult) -> bool:
    # `urlsplit` takes nearly anything for a host and a port; the first connection would fail on it,
    # and could not say which setting is to blame.
    try:
        host = encode_host(parts.hostname or "")
    except UnicodeError:
        return False
    return bool(host) and re.search(rb"[\x00-\x20]", host) is None


def join_choices(words: tuple[str, ...]) -> str:
    """Return `a, b or c`."""
    return f"{', '.join(words[:-1])} or {words[-1]}"
