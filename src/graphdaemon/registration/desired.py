"""The desired state: an app of this name, what it may do, and how it proves its identity."""

import hashlib
import re
from typing import NamedTuple

from graphdaemon.cloud import is_for_graph
from graphdaemon.errors import UsageError
from graphdaemon.registration.exposed_api import ExposedApi

DEFAULT_NAME = "graphdaemon"
DEFAULT_PERMISSION = "User.Read.All"

_DEFAULT = "/.default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
_GITHUB = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+):(?P<rest>.+)")
_GITHUB_ISSUER = "https://token.actions.githubusercontent.com"


class FederatedCredential(NamedTuple):
    """The platform, issuer and subject of the tokens that the app trusts instead of a secret."""

    platform: str
    issuer: str
    subject: str

    @property
    def name(self) -> str:
        """The name it has in Graph: the same for the same issuer and subject."""
        # A digest, since Graph takes names of up to 120 characters that an address can hold, and
        # issuers and subjects of up to 600 (federatedIdentityCredential on learn.microsoft.com).
        digest = hashlib.sha256(f"{self.issuer} {self.subject}".encode()).hexdigest()
        return f"graphdaemon-{self.platform}-{digest[:8]}"


class DesiredState(NamedTuple):
    """
    What the administrator wants.

    Attributes:
        name: The app's name, by which later runs find it.
        kind: `certificate`, `secret` or `federated`; None for the kind that the local files
            have, else a certificate.
        federated_credential: Whose tokens the app is to trust, where the kind is `federated`.
        permissions: Names of application permissions; none for those that the app asks for
            already, else `User.Read.All`; none at all where `scope` is another API's.
        days: How long a credential that has to be made is valid.
        exposed: What the app is to offer as an API; then it gets neither a credential nor
            permissions. None for an app that calls.
        scope: What the app asks tokens for, if it calls an API of one's own; None for Graph.
    """

    name: str = DEFAULT_NAME
    kind: str | None = None
    federated_credential: FederatedCredential | None = None
    permissions: tuple[str, ...] = ()
    days: int = 365
    exposed: ExposedApi | None = None
    scope: str | None = None

    @property
    def tag(self) -> str:
        """The tag that marks the app; an app to which somebody adds it is adopted."""
        return f"graphdaemon:{self.name}"

    @property
    def unique_name(self) -> str:
        """The `uniqueName` with which the directory itself refuses to make the app twice."""
        return f"graphdaemon-{self.name.replace(' ', '-')}"


def read_name(text: str) -> str:
    """
    Check the name of an app.

    Raises:
        UsageError: It cannot be one.
    """
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"{text!r} cannot be an app's name here",
            code="option_invalid",
            hint="Use up to 100 letters, digits, blanks, dots and hyphens, such as directory-sync.",
        )
    return text


def read_scope(text: str) -> str:
    """
    Check the scope of an app that calls an API of one's own.

    Raises:
        UsageError: An app without a user cannot ask for it, or it is Graph's.
    """
    uri = text.removesuffix(_DEFAULT)
    if is_for_graph(uri):
        raise UsageError(
            f"--scope {text!r} is Microsoft Graph's",
            code="option_invalid",
            hint="Leave it out, and name with --permission what the app may do there.",
        )
    if uri == text or not uri or any(sign.isspace() for sign in text):
        raise UsageError(
            f"--scope {text!r} is not what an app asks a token for",
            code="option_invalid",
            hint="Write the App ID URI of the API and /.default behind it, such as "
            "api://00001111-aaaa-2222-bbbb-3333cccc4444/.default.",
        )
    return text


def read_federated_credential(text: str) -> FederatedCredential:
    """
    Read `github:OWNER/REPOSITORY:ref:refs/heads/main` or `kubernetes:ISSUER:NAMESPACE:ACCOUNT`.

    Raises:
        UsageError: The text is neither.
    """
    platform, _, rest = text.partition(":")
    if platform == "github" and (match := _GITHUB.fullmatch(rest)):
        subject = f"repo:{match['repository']}:{match['rest']}"
        return FederatedCredential("github", _GITHUB_ISSUER, subject)
    if platform == "kubernetes":
        # From the right, since the issuer is an address and has colons of its own.
        issuer, namespace, account = [*rest.rsplit(":", 2), "", ""][:3]
        if issuer.startswith("https://") and namespace and account:
            subject = f"system:serviceaccount:{namespace}:{account}"
            return FederatedCredential("kubernetes", issuer, subject)
    raise UsageError(
        f"--federated {text!r} names nobody whose tokens could be trusted",
        code="option_invalid",
        hint="Write github:OWNER/REPOSITORY:ref:refs/heads/main (or :environment:NAME, "
        ":pull_request), or kubernetes:https://ISSUER:NAMESPACE:SERVICEACCOUNT.",
    )
