"""What both services raise when they refuse, each by the rows of its table."""

from collections.abc import Mapping

from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.errors.token_service import TOKEN_REFUSALS


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
        details: what is wrong with which property, and with whom it conflicts.
        headers: what the answer carries besides.
        inner: what `innerError` holds besides date and request ID; a throttled request's.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        gateway: bool = False,
        claims: str | None = None,
        details: tuple[dict[str, str], ...] = (),
        headers: Mapping[str, str] | None = None,
        inner: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.gateway = gateway
        self.claims = claims
        self.details = details
        self.headers = headers or {}
        self.inner = inner or {}


def refuse(code: int, *, error: str | None = None, **values: object) -> OAuthFault:
    """
    The token service's fault for an AADSTS number, its text filled with `values`.

    Args:
        code: a key of TOKEN_REFUSALS.
        error: instead of the row's own, where two endpoints differ.
        values: what the row's text has in braces.
    """
    row = TOKEN_REFUSALS[code]
    text = row.text.format(**values)
    return OAuthFault(code, error or row.error, row.status, text, suberror=row.suberror)


def deny(
    word: str,
    *,
    claims: str | None = None,
    target: str | None = None,
    holder: str | None = None,
    headers: Mapping[str, str] | None = None,
    inner: Mapping[str, str] | None = None,
    **values: object,
) -> GraphFault:
    """
    Graph's fault for a key of its table, the message filled with `values`.

    Args:
        word: a key of GRAPH_REFUSALS.
        claims: what the next token must say.
        target: the property that the row's detail is about.
        holder: the object that it conflicts with, e.g. `User_{id}`.
        headers: see `GraphFault`.
        inner: see `GraphFault`.
        values: what the row's message has in braces.
    """
    row = GRAPH_REFUSALS[word]
    message = row.message.format(**values)
    details = [(row.detail, target)] if row.detail and target else []
    details += [("ConflictingObjects", holder)] if holder else []
    return GraphFault(
        row.status,
        row.code,
        message,
        gateway=row.gateway,
        claims=claims,
        details=tuple({"code": c, "message": message, "target": t} for c, t in details),
        headers=headers,
        inner=inner,
    )
