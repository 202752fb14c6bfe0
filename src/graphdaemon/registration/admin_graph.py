"""Graph, asked as the administrator: with patience for copies of the directory that lag behind."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec

from graphdaemon.diagnosis.advice import advise, locate
from graphdaemon.errors import GraphError
from graphdaemon.graph.graph import Graph, GraphRequest
from graphdaemon.graph.page import read_object
from graphdaemon.http.response import Response
from graphdaemon.registration.change import Change

T = TypeVar("T")

WAITS_S = (1.0, 2.0, 4.0, 8.0, *[15.0] * 10)
"""Between looks at whether the directory has caught up: it takes seconds to minutes."""

# What a copy of the directory says that does not know yet what was just made: quoted in Azure CLI's
# role/custom.py, msgraph-sdk-dotnet#3108 and hashicorp/terraform-provider-azuread#1811.
_BEHIND = re.compile(
    r"does not reference a valid|does not exist or one of its queried|"
    r"not a valid reference update|backing application of the service principal",
    re.IGNORECASE,
)
# What says that it was done before: by a run that was stopped, or by a request whose answer was
# lost.
_DONE = re.compile(
    r"already in use|permission being assigned already exists|same key value|already exists\.?$|"
    r"no password credential found",
    re.IGNORECASE,
)


class Desk:
    """
    Sends requests to Graph.

    Args:
        graph: The connection.
        root: Origin and version of Graph.
        as_app: No user is signed in: an app asks.
        authority: Whose cloud it is.
        say: Tells what is waited for.
        sleep: Waits.
    """

    def __init__(
        self,
        graph: Graph,
        root: str,
        *,
        as_app: bool = False,
        authority: str | None = None,
        say: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._graph = graph
        self.root = root
        self._as_app = as_app
        self._authority = authority
        self._say = say
        self.sleep = sleep

    async def get(self, path: str) -> dict[str, Any]:
        """
        Get an object that is known to be there, if need be later.

        Raises:
            Error: It was refused, not reached, or not there in time.
        """
        request = GraphRequest(self._url(path), "")
        return await self._persist(request, lambda: self._graph.ask(request, read_object))

    async def find(self, path: str) -> dict[str, Any] | None:
        """
        Get an object, or None if there is none.

        Raises:
            Error: It was refused, or not reached.
        """
        try:
            return await self._graph.get(self._url(path), needs="")
        except GraphError as error:
            if error.status == 404:
                return None
            raise

    async def read(self, path: str) -> list[dict[str, Any]]:
        """
        Get every record of a collection that is known to be there.

        Raises:
            Error: It was refused, not reached, or not there in time.
        """
        url = self._url(path)
        return await self._persist(GraphRequest(url, ""), lambda: self._read_all(url))

    async def send(self, change: Change, known: Mapping[str, str]) -> dict[str, Any]:
        """
        Make a change; what was made before is no failure.

        Args:
            change: What to send.
            known: What stands for the places in braces.

        Returns:
            What Graph answered; nothing where it answered nothing, or that it was done before.

        Raises:
            Error: Refused, not reached, or what it needs was not there in time.
        """
        body = None if change.body is None else json.dumps(fill(change.body, known)).encode()
        request = GraphRequest(
            self._url(str(fill(change.path, known))),
            "",
            method=change.method,
            body=body,
            repeatable=change.method != "POST",
            headers=(("Prefer", "create-if-missing"),) if change.create else (),
        )
        try:
            return await self._persist(request, lambda: self._graph.ask(request, _read_answer))
        except GraphError as error:
            if _is_done(change, error):
                return {}
            if error.status == 403:
                raise self._refuse(change, error, known.get("client_id")) from error
            raise

    def _refuse(self, change: Change, error: GraphError, client_id: str | None) -> GraphError:
        """The refusal of a change, as what it means to whoever registers apps."""
        case = change.right
        if self._as_app and case != "consent_reserved":
            case = "registrar_lacks"
        advice = advise(case, locate(self._authority, self._consent_url(client_id)))
        return GraphError(
            f"not allowed: {change.words} ({error})",
            code=advice.code,
            status=error.status,
            hint=advice.step,
            case=case,
            graph_code=error.graph_code,
            request_id=error.request_id,
        )

    def _consent_url(self, client_id: str | None) -> str | None:
        if self._authority is None or client_id is None:
            return None
        return f"{self._authority.rstrip('/')}/adminconsent?client_id={client_id}"

    async def _read_all(self, url: str) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        async for page in self._graph.pages(url, needs=""):
            records += [msgspec.json.decode(record) for record in page.records]
        return records

    async def _persist(self, request: GraphRequest, attempt: Callable[[], Awaitable[T]]) -> T:
        for wait in (*WAITS_S, None):
            try:
                return await attempt()
            except GraphError as error:
                if not _is_behind(request, error):
                    raise
                if wait is None:
                    raise self._give_up(error) from error
            self._say(f"The directory has not caught up; trying again in {wait:.0f} s.")
            await self.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _give_up(self, error: GraphError) -> GraphError:
        advice = advise("directory_behind")
        return GraphError(
            f"the directory has not caught up: {error}",
            code=advice.code,
            status=error.status,
            hint=advice.step,
            graph_code=error.graph_code,
            request_id=error.request_id,
        )

    def _url(self, path: str) -> str:
        return f"{self.root}{path.replace(' ', '%20')}"


def fill(value: Any, known: Mapping[str, str]) -> Any:
    """`value` with what is known in the places in braces."""
    if isinstance(value, dict):
        return {name: fill(one, known) for name, one in value.items()}
    if isinstance(value, list):
        return [fill(one, known) for one in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], match[0]), value)


def _read_answer(response: Response, url: str) -> dict[str, Any]:
    return read_object(response, url) if response.body else {}


def _is_behind(request: GraphRequest, error: GraphError) -> bool:
    if request.method == "DELETE" or request.url.endswith(("/restore", "/removePassword")):
        return False
    return error.status in (400, 404) and _BEHIND.search(str(error)) is not None


def _is_done(change: Change, error: GraphError) -> bool:
    if change.method == "DELETE" or change.again:
        return error.status == 404
    return error.status in (400, 409) and _DONE.search(str(error)) is not None
