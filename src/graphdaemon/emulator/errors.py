"""What the emulator raises when it refuses; app.py alone turns it into an answer."""

from graphdaemon.emulator.aadsts import OAUTH
from graphdaemon.emulator.delegated import DELEGATED
from graphdaemon.emulator.refusal import GRAPH

__all__ = ["GraphFault", "OAuthFault", "deny", "refuse"]


class OAuthFault(Exception):  # noqa: N818 - a refusal, not an error of ours
    """
    The token service refuses.

    Args:
        code: the AADSTS number, e.g. 7000215.
        error: the OAuth error, e.g. `invalid_client`.
        status: the HTTP status.
        text: the sentence after `AADSTS7000215: `.
        suberror: what libraries tell similar refusals apart by; empty without one.
    """

    def __init__(
        self, code: int, error: str, status: int, text: str, *, suberror: str = ""
    ) -> None:
        super().__init__(f"AADSTS{code}: {text}")
        self.code = code
        self.error = error
        self.status = status
        self.text = text
        self.suberror = suberror


class GraphFault(Exception):  # noqa: N818 - a refusal, not an error of ours
    """
    Microsoft Graph refuses.

    Args:
        status: the HTTP status.
        code: Graph's error code, e.g. `Request_ResourceNotFound`.
        message: the sentence people read.
        gateway: refused before the directory was asked; such answers carry
            neither `Cache-Control` nor `x-ms-resource-unit` (recorded 2022-2025).
        claims: what the next token must say, in base64, if that would help.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        gateway: bool = False,
        claims: str | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.gateway = gateway
        self.claims = claims


def refuse(code: int, *, error: str | None = None, **values: object) -> OAuthFault:
    """
    The token service's fault for an AADSTS number, its text filled with `values`.

    Args:
        code: a key of OAUTH or DELEGATED.
        error: instead of the row's own, where two endpoints differ.
        values: what the row's text has in braces.
    """
    row = OAUTH.get(code) or DELEGATED[code]
    text = row.text.format(**values)
    return OAuthFault(code, error or row.error, row.status, text, suberror=row.suberror)


def deny(word: str, *, claims: str | None = None, **values: object) -> GraphFault:
    """Graph's fault for a key of GRAPH, its message filled with `values`."""
    row = GRAPH[word]
    message = row.message.format(**values)
    return GraphFault(row.status, row.code, message, gateway=row.gateway, claims=claims)
