"""
The kinds of credential: each in a module of its name, whose `read` makes a client credential.

A module is loaded when a credential of its kind is first read, so that nobody waits for what
another kind needs.
"""

import importlib
from collections.abc import Callable

from graphdaemon.auth.client_credential import ClientCredential
from graphdaemon.errors import Error
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import Settings


def read_credential(settings: Settings, credential: CredentialSettings) -> ClientCredential:
    """Read what `credential` names; raises `SettingsError` where it cannot be used as it is."""
    module = importlib.import_module(f"{__name__}.{credential.kind}")
    read: Callable[[Settings, CredentialSettings], ClientCredential] = module.read
    return read(settings, credential)


def read_credentials(settings: Settings) -> tuple[ClientCredential, ...]:
    """Read every configured credential, in the order of use; a broken one has a `problem`."""
    return tuple(_try(settings, credential) for credential in settings.credentials)


def _try(settings: Settings, credential: CredentialSettings) -> ClientCredential:
    try:
        return read_credential(settings, credential)
    except Error as error:
        return ClientCredential(credential.kind, credential.source, problem=error)
