"""From a settings file to a client."""

import os

from graphdaemon.client.client import Client
from graphdaemon.settings.read import read_settings


def load(file: str | os.PathLike[str] | None = None, **settings: object) -> Client:
    """
    Read the settings and return a client for them.

    Args:
        file: parameters.json or a TOML file; by default `$GRAPHDAEMON_CONFIG`, then
            `./parameters.json`, then the environment alone.
        **settings: Single settings by name; they take precedence over environment and file.

    Raises:
        SettingsError: A setting is missing or wrong; it is named, and where it was read.
    """
    return Client(read_settings(file, overrides=settings))
