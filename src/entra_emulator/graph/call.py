"""A request of an identified caller, which is what endpoints receive."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request

from entra_emulator.directory.directory import Directory
from entra_emulator.directory.steps import Steps
from entra_emulator.errors import deny
from entra_emulator.faults.fault import EFFECTS
from entra_emulator.graph.access.authorize import Permit, readable_types
from entra_emulator.graph.query.options import Query, read_query
from entra_emulator.model.records import Tenant
from entra_emulator.web.caller import Caller
from entra_emulator.web.context import Context, origin_of, trace_of
from entra_emulator.web.request_notes import notes_of

T = TypeVar("T")

# Roles and their members are not paged ("Paging Microsoft Graph data in your app"), and products
# neither; domains and the organization are.
_UNPAGED = frozenset({"directoryRoles", "directoryRoleTemplates", "subscribedSkus"})


@dataclass(frozen=True)
class Call:
    """
    A request whose caller may use the endpoint.

    Args:
        path: the canonical path, version included.
        keys: the keys in the path, by their names in the template.
        units: what it costs, in resource units.
        body: the JSON that was sent; None without one.
    """

    request: Request
    context: Context
    caller: Caller
    permit: Permit
    path: str
    keys: dict[str, str]
    units: int
    body: Any = None

    @property
    def directory(self) -> Directory:
        """The objects of every tenant."""
        return self.context.directory

    @property
    def tenant(self) -> Tenant:
        """The caller's tenant; the caller sees no other."""
        return self.caller.tenant

    @property
    def origin(self) -> str:
        """The origin that the caller addressed, e.g. `https://localhost:8443`."""
        return origin_of(self.request)

    @property
    def version(self) -> str:
        """`v1.0` or `beta`."""
        return self.path.split("/")[1]

    @property
    def now(self) -> float:
        """The request's moment, in seconds since 1970."""
        return trace_of(self.request).now

    @property
    def raw_path(self) -> str:
        """The path as it was sent, percent-encoded."""
        return bytes(self.request.scope["raw_path"]).decode("latin-1")

    @property
    def query_string(self) -> str:
        """What was sent behind the question mark."""
        return bytes(self.request.scope["query_string"]).decode("latin-1")

    @property
    def eventual(self) -> bool:
        """Whether the caller accepts the eventual index (`ConsistencyLevel: eventual`)."""
        return self.request.headers.get("consistencylevel", "").lower() == "eventual"

    @property
    def readable(self) -> frozenset[str]:
        """The types of objects that the caller may read."""
        return readable_types(self.caller)

    @property
    def lag(self) -> float:
        """How many seconds the replica that answers lags behind."""
        faults = notes_of(self.request.scope).faults
        return max((fault.lag or 0.0 for fault in faults), default=0.0)

    @property
    def effects(self) -> frozenset[str]:
        """The names of the faults that are planned for this answer."""
        return EFFECTS.intersection(f.kind for f in notes_of(self.request.scope).faults)

    @property
    def counting(self) -> bool:
        """Whether the request is for the number of objects (`/$count`), not for a list."""
        return self.path.endswith("/$count")

    async def read(self, steps: Steps[T]) -> T:
        """
        The result of long work in steps, between which other requests are served.

        Raises:
            ClientDisconnect: the client has closed the connection; the rest of the work is dropped.
        """
        return await self.context.work.read(steps, self.request.is_disconnected)

    def prefers(self, preference: str) -> bool:
        """Whether the `Prefer` header has this preference, e.g. `return=minimal`."""
        # A parameter, which follows a semicolon in RFC 7240, counts as a preference, too.
        header = self.request.headers.get("prefer", "").lower().replace(";", ",")
        return preference in {part.strip() for part in header.split(",")}

    def read_query(
        self,
        kind: str,
        *,
        related: bool = False,
        linked: Callable[[str, str], Sequence[Any]] | None = None,
    ) -> Query:
        """
        The listing that the query options ask for.

        Raises:
            GraphRefusal: 400, see `read_query`, or it counts without the eventual index.
        """
        # Only the eventual index can count ("Advanced query capabilities on directory objects").
        if self.counting and not self.eventual:
            raise deny("count_refused")
        return read_query(
            kind,
            self.query_string,
            eventual=self.eventual,
            strict=self.context.strict_filter,
            counting=self.counting,
            related=related,
            whole=self.path.split("/")[2] in _UNPAGED,
            address=f"{self.origin}{self.raw_path}",
            linked=linked,
        )
