"""
Microsoft Graph, called as the administrator who registers the app.

The directory keeps several copies, and some of them lag: what was just made may be unknown for
minutes to the copy that answers next. `AdminGraph` waits and repeats such requests.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from graphdaemon.diagnosis.advice import advise, locate
from graphdaemon.errors import GraphError
from graphdaemon.graph.graph import Graph, GraphRequest
from graphdaemon.graph.page import read_object, read_record
from graphdaemon.http.response import Response
from graphdaemon.registration.shapes import check_shape

T = TypeVar("T")

WAITS_S = (1.0, 2.0, 4.0, 8.0, *[15.0] * 10)
"""Seconds to wait between attempts until a change is known everywhere; about three minutes."""

# How a copy of the directory refuses that does not know yet what was just made: quoted in Azure
# CLI's role/custom.py, msgraph-sdk-dotnet#3108 and hashicorp/terraform-provider-azuread#1811.
_BEHIND = re.compile(
    r"does not reference a valid|does not exist or one of its queried|"
    r"not a valid reference update|backing application of the service principal|"
    r"permission being assigned was not found",
    re.IGNORECASE,
)
# How Graph refuses a change that was made before: by a run that was stopped, or by a request whose
# answer was lost.
_DONE = re.compile(
    r"already in use|permission being assigned already exists|same key value|already exists\.?$|"
    r"no password credential found",
    re.IGNORECASE,
)


class Change(NamedTuple):
    """
    A request that changes something.

    Its path and body may hold placeholders for what is only known when it is sent: `{application}`
    and `{principal}` (object IDs), `{client_id}`, `{certificate}`.

    Attributes:
        summary: What the request does, in one line for people.
        method: The HTTP method.
        path: The address below the version of Graph.
        body: The JSON to send, or None.
        learns: What the answer tells: `application`, `principal` or `secret`; empty for nothing.
        create: Create the object if it is missing (`Prefer: create-if-missing`).
        forbidden_case: The case that explains a 403; a key of `CASES`.
        reread: The actual state has to be read again afterwards.
        dispensable: All else works without it, so that whoever may not make it goes on.
    """

    summary: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    learns: str = ""
    create: bool = False
    forbidden_case: str = "changing_reserved"
    reread: bool = False
    dispensable: bool = False


class AdminGraph:
    """
    Sends the administrator's requests to Graph.

    Args:
        graph: The connection.
        root: Origin and version of Graph.
        as_app: The administrator is an app, not a signed-in user.
        authority: The tenant's authority, for what a refusal advises.
        say: Tells a person what is waited for.
        sleep: Waits some seconds.
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

    async def get(self, path: str, shape: type[msgspec.Struct]) -> dict[str, Any]:
        """
        Get an object that exists, even if some copies of the directory do not know it yet.

        Raises:
            Error: Graph refused, was not reached, did not know the object in time, or showed
                something that has not this shape.
        """
        request = GraphRequest(self._url(path), "")
        shown = await self._persist(request, lambda: self._graph.ask(request, read_object))
        check_shape(shown, shape, path)
        return shown

    async def find(self, path: str, shape: type[msgspec.Struct]) -> dict[str, Any] | None:
        """
        Get an object, or None if there is none.

        Raises:
            Error: Graph refused, was not reached, or showed something that has not this shape.
        """
        try:
            # Not by `_persist`: that there is no such object is an answer here, not a delay.
            shown = await self._graph.get(self._url(path), needs="")
        except GraphError as error:
            if error.status == 404:
                return None
            raise
        check_shape(shown, shape, path)
        return shown

    async def read(self, path: str, shape: type[msgspec.Struct]) -> list[dict[str, Any]]:
        """
        Get every record of a collection that exists.

        Raises:
            Error: Graph refused, was not reached, did not know the collection in time, or showed a
                record that has not this shape.
        """
        url = self._url(path)
        records = await self._persist(GraphRequest(url, ""), lambda: self._read_all(url))
        for record in records:
            check_shape(record, shape, path)
        return records

    async def send(self, change: Change, values: Mapping[str, str]) -> dict[str, Any]:
        """
        Make a change; one that was made before counts as a success.

        Args:
            change: What to send.
            values: What replaces the placeholders, by their names.

        Returns:
            Graph's answer; empty if it has no body, or if the change was made before.

        Raises:
            Error: Graph refused, was not reached, or did not know in time what the change needs.
        """
        body = None if change.body is None else json.dumps(fill(change.body, values)).encode()
        request = GraphRequest(
            self._url(str(fill(change.path, values))),
            "",
            method=change.method,
            body=body,
            # A POST whose answer was lost may have been carried out: sent again, it would add a
            # second credential. `Reconciler` reads what became of it instead.
            repeatable=change.method != "POST",
            headers=(("Prefer", "create-if-missing"),) if change.create else (),
        )
        try:
            return await self._persist(request, lambda: self._graph.ask(request, _read_answer))
        except GraphError as error:
            if _is_done(change, error):
                return {}
            if error.status == 403:
                raise self._forbidden(change, error, values.get("client_id")) from error
            raise

    def _forbidden(self, change: Change, error: GraphError, client_id: str | None) -> GraphError:
        """The error for a change that this administrator may not make."""
        case = change.forbidden_case
        # Advice for users names directory roles to activate; an app needs a permission instead.
        if self._as_app and case not in ("consent_reserved", "assigning_reserved"):
            case = "registrar_lacks"
        consent_url = None
        if self._authority is not None and client_id is not None:
            consent_url = f"{self._authority.rstrip('/')}/adminconsent?client_id={client_id}"
        advice = advise(case, locate(self._authority, consent_url))
        return GraphError(
            f"not allowed: {change.summary} ({error})",
            code=advice.code,
            status=error.status,
            hint=advice.step,
            case=case,
            graph_code=error.graph_code,
            request_id=error.request_id,
        )

    async def _read_all(self, url: str) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        async for page in self._graph.pages(url, needs=""):
            records += map(read_record, page.records)
        return records

    async def _persist(self, request: GraphRequest, attempt: Callable[[], Awaitable[T]]) -> T:
        """Make the attempt until the directory has caught up, at the latest after `WAITS_S`."""
        for wait in (*WAITS_S, None):
            try:
                return await attempt()
            except GraphError as error:
                if not _is_behind(request, error):
                    raise
                if wait is None:
                    raise _still_behind(error) from error
            self._say(f"The directory has not caught up; trying again in {wait:.0f} s.")
            await self.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _url(self, path: str) -> str:
        return f"{self.root}{path.replace(' ', '%20')}"


def fill(content: Any, values: Mapping[str, str]) -> Any:
    """Replace the placeholders in JSON content; unknown ones stay as they are."""
    if isinstance(content, dict):
        return {name: fill(item, values) for name, item in content.items()}
    if isinstance(content, list):
        return [fill(item, values) for item in content]
    if not isinstance(content, str):
        return content
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), content)


def _read_answer(response: Response, url: str) -> dict[str, Any]:
    return read_object(response, url) if response.body else {}


def _is_behind(request: GraphRequest, error: GraphError) -> bool:
    # What these requests name and is not there was deleted, restored or removed before.
    if request.method == "DELETE" or request.url.endswith(("/restore", "/removePassword")):
        return False
    # 403 as well: msgraph-sdk-dotnet#3108 quotes the missing "backing application" with it.
    return error.status in (400, 403, 404) and _BEHIND.search(str(error)) is not None


def _is_done(change: Change, error: GraphError) -> bool:
    # A run that was stopped has deleted it already, or has restored it from the recycle bin.
    if change.method == "DELETE" or change.reread:
        return error.status == 404
    # An App ID URI that is taken is another app's: what this one has is read before.
    taken = "identifierUris" in str(error)
    return error.status in (400, 409) and not taken and _DONE.search(str(error)) is not None


def _still_behind(error: GraphError) -> GraphError:
    advice = advise("directory_behind")
    return GraphError(
        f"the directory has not caught up: {error}",
        code=advice.code,
        status=error.status,
        hint=advice.step,
        graph_code=error.graph_code,
        request_id=error.request_id,
    )
