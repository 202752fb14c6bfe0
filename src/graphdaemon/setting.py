"""The settings table: every key, what it means and where else it is read from."""

from __future__ import annotations

from typing import NamedTuple


class Secret:
    """A text that shows itself only when asked by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('**********')"


class Setting(NamedTuple):
    """One row of the settings table; the reference page is made from it."""

    name: str
    kind: str
    default: str
    meaning: str
    variables: tuple[str, ...] = ()


SETTINGS = (
    Setting(
        "authority",
        "https address",
        "",
        "Who issues tokens: https://login.microsoftonline.com/{tenant}. Give this or "
        "oidc_authority, the other null.",
        ("GRAPHDAEMON_AUTHORITY", "AZURE_AUTHORITY_HOST + AZURE_TENANT_ID"),
    ),
    Setting(
        "oidc_authority",
        "https address",
        "",
        "The same for External ID with a custom domain: the issuer's address.",
        ("GRAPHDAEMON_OIDC_AUTHORITY",),
    ),
    Setting(
        "client_id",
        "text",
        "",
        "Application (client) ID of the app registration.",
        ("GRAPHDAEMON_CLIENT_ID", "AZURE_CLIENT_ID"),
    ),
    Setting(
        "scope",
        "list of text",
        "{Graph of the authority's cloud}/.default",
        "One value: the API's App ID URI followed by /.default.",
        ("GRAPHDAEMON_SCOPE",),
    ),
    Setting(
        "secret",
        "secret",
        "",
        "The client secret's Value (not its Secret ID). Give this or private_key_file.",
        ("GRAPHDAEMON_SECRET", "AZURE_CLIENT_SECRET"),
    ),
    Setting(
        "thumbprint",
        "text",
        "taken from the certificate, where private_key_file holds it",
        "SHA-1 thumbprint of the uploaded certificate, as the portal shows it.",
        ("GRAPHDAEMON_THUMBPRINT",),
    ),
    Setting(
        "private_key_file",
        "file",
        "",
        "PEM file with the private key, and if possible its certificate; relative to the settings "
        "file.",
        ("GRAPHDAEMON_PRIVATE_KEY_FILE", "AZURE_CLIENT_CERTIFICATE_PATH"),
    ),
    Setting(
        "endpoint",
        "https address",
        "{Graph of the authority's cloud}/v1.0/users",
        "What the quickstart calls. Its host and version say which Graph all commands use.",
        ("GRAPHDAEMON_ENDPOINT",),
    ),
    Setting(
        "ca_file",
        "file",
        "",
        "PEM file of certificate authorities to trust besides the system's; relative to the "
        "settings file.",
        ("GRAPHDAEMON_CA_FILE",),
    ),
    Setting(
        "timeout",
        "seconds",
        "60",
        "How long to wait for a host before giving an attempt up.",
        ("GRAPHDAEMON_TIMEOUT",),
    ),
    Setting("note", "text", "", "For people; ignored."),
)
