"""The settings of a command that may call your own API: from the file or from options."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from graphdaemon.cli.named_files import load_settings
from graphdaemon.cloud import is_for_graph
from graphdaemon.errors import UsageError
from graphdaemon.settings.model import Settings


def load_api_settings(
    file: str | os.PathLike[str] | None, arguments: Mapping[str, Any]
) -> Settings:
    """
    Read the settings; `--endpoint` and `--scope` take precedence over the file.

    Raises:
        SettingsError: They cannot be used.
        UsageError: A token for Graph would be sent to another API, or the token of another API to
            Graph.
    """
    options = read_api_options(arguments)
    settings = load_settings(file, overrides=options)
    check_api_settings(settings, options)
    return settings


def read_api_options(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Those of `--endpoint` and `--scope` that are given, by the names of the settings."""
    return {name: arguments[name] for name in ("endpoint", "scope") if arguments[name]}


def check_api_settings(settings: Settings, options: Mapping[str, str]) -> None:
    """
    Make sure that scope and endpoint, which may come from `options`, belong to the same API.

    Raises:
        UsageError: A token for Graph would be sent to another API, or the token of another API to
            Graph.
    """
    if not options:
        return
    host = urlsplit(settings.endpoint).netloc
    at_graph = is_for_graph(f"https://{host}")
    for_graph = is_for_graph(settings.scope[0].removesuffix("/.default"))
    if for_graph and "scope" not in options and not at_graph:
        raise UsageError(
            f"the scope in these settings is for Microsoft Graph, and {host} cannot use a token "
            "for Graph",
            code="option_invalid",
            hint="Add --scope 'api://{the API's client ID}/.default', or write it into the "
            f"settings. To call Graph through a gateway, add --scope {settings.scope[0]}.",
        )
    if at_graph and not for_graph:
        raise UsageError(
            f"{settings.scope[0]} is the scope of another API, but {host} is Microsoft Graph",
            code="option_invalid",
            hint="Add --endpoint with the API's address, or write it into the settings.",
        )
