"""Checks of one setting: is it a text, an address, a list? Each error says where it was read."""

import json
import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from graphdaemon.errors import SettingsError
from graphdaemon.settings.setting import Layer, Secret


def invalid_setting(layer: Layer, name: str, problem: str, hint: str) -> SettingsError:
    """The error for a value of the wrong form."""
    source = layer[name][1] if name in layer else "the default"
    return SettingsError(f"{name} in {source} {problem}", code="setting_invalid", hint=hint)


def check_text(layer: Layer, name: str) -> str | None:
    """Return the text called `name` without blanks around it, or None."""
    if name not in layer:
        return None
    value, _ = layer[name]
    if not isinstance(value, str):
        raise invalid_setting(
            layer, name, f"is not a text but {json.dumps(value)[:40]}", "Quote it."
        )
    return value.strip()


def check_secret(layer: Layer, name: str) -> Secret | None:
    """Return the text called `name`, wrapped so that nothing shows it, or None."""
    value = check_text(layer, name)
    return Secret(value) if value else None


def check_path(layer: Layer, name: str) -> Path | None:
    """Return the file or folder called `name`, or None."""
    value = check_text(layer, name)
    return Path(value) if value else None


def check_choice(layer: Layer, name: str, words: tuple[str, ...]) -> str | None:
    """Return the word called `name`, which must be one of `words`, or None."""
    value = check_text(layer, name)
    if value is not None and value not in words:
        raise invalid_setting(
            layer, name, f"is not {join_choices(words)}: {value}", f"Write {join_choices(words)}."
        )
    return value


def check_switch(layer: Layer, name: str) -> bool:
    """Return the switch called `name`; a variable says 1 or true."""
    value, _ = layer.get(name, (False, ""))
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in words:
        raise invalid_setting(layer, name, "is neither true nor false", "Write true or false.")
    return words[value.lower()]


def check_words(layer: Layer, name: str, example: str) -> tuple[str, ...] | None:
    """Return the list of texts called `name`; one text is split at its blanks."""
    if name not in layer:
        return None
    value, _ = layer[name]
    items = value.split() if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise invalid_setting(layer, name, "is not a list of texts", f"Write {example}.")
    return tuple(items)


def check_https(layer: Layer, name: str) -> str | None:
    """Return the https address called `name`, or None."""
    value = check_text(layer, name)
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme != "https" or not _is_host(parts):
        raise invalid_setting(
            layer,
            name,
            f"is not an https address: {value}",
            f"Write https://{parts.netloc}{parts.path}: tokens travel over TLS only."
            if parts.scheme == "http"
            else "Write it in full, beginning with https://.",
        )
    # Addresses are logged and shown in errors, so none may hold a password.
    if "@" in parts.netloc:
        raise invalid_setting(
            layer, name, "holds a user name", "Leave out what stands before the @."
        )
    return value


def check_thumbprint(layer: Layer, name: str) -> str | None:
    """Return the certificate's thumbprint called `name`, as upper-case hex digits, or None."""
    value = check_text(layer, name)
    if not value:
        return None
    # Windows shows it with blanks between the bytes, OpenSSL with colons.
    thumbprint = re.sub(r"[\s:]", "", value).upper()
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
        host = (parts.hostname or "").encode("idna")
    except UnicodeError:
        return False
    port = parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    if port and not port.isdigit():
        return False
    return bool(host) and re.search(rb"[\x00-\x20]", host) is None


def join_choices(words: tuple[str, ...]) -> str:
    """Return `a, b or c`."""
    return f"{', '.join(words[:-1])} or {words[-1]}"
