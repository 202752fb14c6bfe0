"""
What is learned about a request on its way through the emulator.

The audit log shows it afterwards. Later steps need some of it too: which faults the answer is to
show, and whether the request came inside a batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.types import Scope

from entra_emulator.errors import GraphRefusal, TokenRefusal
from entra_emulator.faults.fault import Fault

# At run time these modules import this one.
if TYPE_CHECKING:
    from entra_emulator.graph.router import ResolvedPath
    from entra_emulator.web.caller import Caller


class Trace(NamedTuple):
    """One request's identifiers, and its moment in seconds since 1970."""

    request_id: str
    client_request_id: str | None
    now: float


@dataclass(slots=True)
class RequestNotes:
    """
    The notes on one request; each is set once, by the step that learns it.

    Args:
        graph_path: what its path means in Graph; None if the path is none of Graph's.
        batched: it came inside a batch, and so on no connection of its own.
        faults: the planned faults that it met.
        form: the fields that were posted to the token service.
        key_id: the ID of the credential that the application proved itself with.
        client_id: the application that asks for a token, as the request named it.
        claims: of the access token that was issued.
        user: the ID of the tenant and the object ID of the user whose grant is redeemed.
        route: the path in Graph's route table that fits; empty if none does.
        correlation_id: the ID in the token service's error object.
    """

    trace: Trace | None = None
    graph_path: "ResolvedPath | None" = None
    batched: bool = False
    faults: tuple[Fault, ...] = ()
    form: Mapping[str, str] = field(default_factory=dict)
    key_id: str = ""
    client_id: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)
    user: tuple[str, str] | None = None
    route: str = ""
    caller: "Caller | None" = None
    refusal: TokenRefusal | GraphRefusal | None = None
    correlation_id: str = ""


def notes_of(scope: Scope) -> RequestNotes:
    """The notes on the request of this ASGI scope, begun when they are first needed."""
    state: dict[type[RequestNotes], RequestNotes] = scope.setdefault("state", {})
    if RequestNotes not in state:
        state[RequestNotes] = RequestNotes()
    return state[RequestNotes]
