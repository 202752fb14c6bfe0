"""What the emulator raises when it refuses; app.py alone turns it into an answer."""

from graphdaemon.emulator.aadsts import OAUTH
from graphdaemon.emulator.refusal import GRAPH

__all__ = ["GraphFault", "OAuthFault", "deny", "refuse"]


class OAuthFault(Exception):  # noqa: N818 - a refusal, not an error of ours
    """The token service refuses.

    Args:
        code: the AADSTS number, e.g. 7000215.
        error: the OAuth error, e.g. `invalid_client`.
        status: the HTTP status.
        text: the sentence after `AADSTS7000215: `.
    """

    def __init__(self, code: int, error: str, status: int, text: str) -> None:
        super().__init__(f"AADSTS{code}: {text}")
        self.code = code
        self.error = error
        self.status = status
        self.text = text


class GraphFault(Exception):  # noqa: N818 - a refusal, not an error of ours
    """Microsoft Graph refuses.

    Args:
        status: the HTTP status.
        code: Graph's error code, e.g. `Request_ResourceNotFound`.
        message: the sentence people read.
        gateway: refused before the directory was asked; such answers carry
            neither `Cache-Control` nor `x-ms-resource-unit` (recorded 2022-2025).
    """

    def __init__(self, status: int, code: str, message: str, *, gateway: bool = False) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.gateway = gateway


def refuse(code: int, *, error: str | None = None, **values: object) -> OAuthFault:
    """The token service's fault for an AADSTS number, its text filled with `values`.

    Args:
        code: a key of OAUTH.
        error: instead of the row's own, where two endpoints differ.
        values: what the row's text has in braces.
    """
    row = OAUTH[code]
    return OAuthFault(code, error or row.error, row.status, row.text.format(**values))


def deny(word: str, **values: object) -> GraphFault:
    """Graph's fault for a key of GRAPH, its message filled with `values`."""
    row = GRAPH[word]
    return GraphFault(row.status, row.code, row.message.format(**values), gateway=row.gateway)
