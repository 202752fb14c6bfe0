"""What is wanted: an app of this name, what it may do, and how it proves who it is."""

import hashlib
import re
from typing import NamedTuple

from graphdaemon.errors import UsageError

DEFAULT_NAME = "graphdaemon"
DEFAULT_PERMISSION = "User.Read.All"
KINDS = ("certificate", "secret", "federated")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
_GITHUB = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+):(?P<rest>.+)")
_GITHUB_ISSUER = "https://token.actions.githubusercontent.com"


class Trust(NamedTuple):
    """Whose tokens vouch for the app instead of a credential of its own."""

    platform: str
    issuer: str
    subject: str

    @property
    def name(self) -> str:
        """What the federated credential is called; the same for the same trust."""
        digest = hashlib.sha256(f"{self.issuer} {self.subject}".encode()).hexdigest()
        return f"graphdaemon-{self.platform}-{digest[:8]}"


class Wish(NamedTuple):
    """
    What is wanted.

    Attributes:
        name: Of the app; finds it again, too.
        kind: One of `KINDS`; None for the kind that the files say, else a certificate.
        trust: Whose tokens to accept, where the kind is `federated`.
        permissions: Names of application permissions; none for those that the app asks for
            already, else `User.Read.All`.
        days: How long a credential that has to be made is valid.
    """

    name: str = DEFAULT_NAME
    kind: str | None = None
    trust: Trust | None = None
    permissions: tuple[str, ...] = ()
    days: int = 365

    @property
    def tag(self) -> str:
        """What the app is found by; whoever puts it on an app of their own has that one adopted."""
        return f"graphdaemon:{self.name}"

    @property
    def unique_name(self) -> str:
        """The name by which the directory itself refuses to make the app twice."""
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


def read_trust(text: str) -> Trust:
    """
    Read `github:OWNER/REPOSITORY:ref:refs/heads/main` or `kubernetes:ISSUER:NAMESPACE:ACCOUNT`.

    Raises:
        UsageError: It is neither.
    """
    platform, _, rest = text.partition(":")
    if platform == "github" and (match := _GITHUB.fullmatch(rest)):
        return Trust("github", _GITHUB_ISSUER, f"repo:{match['repository']}:{match['rest']}")
    if platform == "kubernetes":
        issuer, namespace, account = [*rest.rsplit(":", 2), "", ""][:3]
        if issuer.startswith("https://") and namespace and account:
            return Trust("kubernetes", issuer, f"system:serviceaccount:{namespace}:{account}")
    raise UsageError(
        f"--federated {text!r} names nobody whose tokens could be trusted",
        code="option_invalid",
        hint="Write github:OWNER/REPOSITORY:ref:refs/heads/main (or :environment:NAME, "
        ":pull_request), or kubernetes:https://ISSUER:NAMESPACE:SERVICEACCOUNT.",
    )
