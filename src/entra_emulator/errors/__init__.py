"""How services refuse: `refuse` makes the token service's exceptions, `deny` Graph's, by tables."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field

from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.errors.token_service import TOKEN_REFUSALS


# Exceptions must stay hashable, which a dataclass with an `__eq__` of its own is not.
@dataclass(eq=False)
class TokenRefusal(Exception):  # noqa: N818 - a refusal, not an error of ours
    """
    The token service refuses.

    Args:
        code: the AADSTS number, e.g. 7000215.
        error: the OAuth error, e.g. `invalid_client`.
        text: the sentence after `AADSTS7000215: `.
        suberror: tells refusals with the same error apart, for libraries; empty without one.
    """

    code: int
    error: str
    status: int
    text: str
    _: KW_ONLY
    suberror: str = ""

    def __str__(self) -> str:
        return f"AADSTS{self.code}: {self.text}"


@dataclass(eq=False)
class GraphRefusal(Exception):  # noqa: N818 - a refusal, not an error of ours
    """
    Microsoft Graph refuses.

    Args:
        code: Graph's error code, e.g. `Request_ResourceNotFound`.
        message: the sentence people read.
        gateway: it is refused before the directory is asked; such answers carry
            neither `Cache-Control` nor `x-ms-resource-unit` (recorded 2022-2025).
        claims: a claims challenge in base64: what the next token must say; None without one.
        details: entries that name a wrong property, or an object that this one conflicts with.
        headers: further headers of the answer.
        inner: further fields of `innerError`, for throttled requests.
    """

    status: int
    code: str
    message: str
    _: KW_ONLY
    gateway: bool = False
    claims: str | None = None
    details: tuple[dict[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    inner: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.message}"


def refuse(code: int, *, error: str | None = None, **values: object) -> TokenRefusal:
    """
    The token service's refusal with an AADSTS number, its text filled in with `values`.

    Args:
        code: a key of TOKEN_REFUSALS.
        error: the OAuth error, where an endpoint has another than the table.
        values: for the names in braces in the row's text.
    """
    row = TOKEN_REFUSALS[code]
    text = row.text.format(**values)
    return TokenRefusal(code, error or row.error, row.status, text, suberror=row.suberror)


def deny(
    word: str,
    *,
    claims: str | None = None,
    target: str | None = None,
    holder: str | None = None,
    headers: Mapping[str, str] | None = None,
    inner: Mapping[str, str] | None = None,
    **values: object,
) -> GraphRefusal:
    """
    Graph's refusal by its word in the table, the message filled in with `values`.

    Of a row with a detail, `target` is the property that it is about; `holder` is the object that
    the property's value conflicts with, e.g. `User_{id}`. The others are those of `GraphRefusal`.
    """
    row = GRAPH_REFUSALS[word]
    message = row.message.format(**values)
    details = [(row.detail, target)] if row.detail and target else []
    # Since 2023 conflicts have this second entry (quoted: microsoft-graph-docs-contrib#8421).
    details += [("ConflictingObjects", holder)] if holder else []
    return GraphRefusal(
        row.status,
        row.code,
        message,
        gateway=row.gateway,
        claims=claims,
        details=tuple({"code": c, "message": message, "target": t} for c, t in details),
        headers=headers or {},
        inner=inner or {},
    )
