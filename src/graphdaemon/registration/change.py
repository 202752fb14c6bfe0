"""One request that changes something, as a value."""

from typing import Any, NamedTuple


class Change(NamedTuple):
    """
    A request that changes something.

    Paths and bodies hold places in braces for what earlier requests make known: `{application}`
    and `{principal}` (object IDs), `{client_id}`, `{certificate}`.

    Attributes:
        words: What it does.
        method: The verb.
        path: Below the version of Graph.
        body: JSON, or None.
        learns: What its answer makes known: `application`, `principal` or `secret`.
        create: Make what is not there (`Prefer: create-if-missing`).
        right: What a refusal means: a case.
        again: What there is has to be read again afterwards.
    """

    words: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    learns: str = ""
    create: bool = False
    right: str = "changing_reserved"
    again: bool = False
