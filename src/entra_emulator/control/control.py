"""One route of the control API, told by the types of its function."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias, get_type_hints

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entra_emulator.control.guard import answer_json, read_body, read_query

PREFIX = "/_emulator"

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class Control(NamedTuple):
    """
    One route of the control API.

    Args:
        method: the HTTP method.
        path: below PREFIX.
        answer: takes the request, and what the request says if it says anything: the body, or the
            query of a GET. It returns the answer. The first line of its docstring describes it.
    """

    method: str
    path: str
    answer: Callable[..., Any]

    @property
    def does(self) -> str:
        """What it does, in a sentence."""
        return (self.answer.__doc__ or "").strip().partition("\n")[0]

    @property
    def takes(self) -> type[msgspec.Struct] | None:
        """The type of what a request says; None if it says nothing."""
        named = list(inspect.signature(self.answer).parameters)[1:]
        kind: type[msgspec.Struct] | None = None
        if named:
            kind = get_type_hints(self.answer)[named[0]]
        return kind

    @property
    def returns(self) -> Any:
        """The type of the answer."""
        return get_type_hints(self.answer)["return"]


def make_routes(controls: Iterable[Control]) -> list[Route]:
    """A route for each path, which reads what a request says and writes the answer."""
    by_path: dict[str, dict[str, Handler]] = {}
    for control in controls:
        by_path.setdefault(control.path, {})[control.method] = _make_handler(control)
    routes = []
    for path, handlers in by_path.items():
        # Of all methods, so that a refusal of another names them.
        route = Route(path, _choose(handlers), methods=list(handlers))
        route.methods = set(handlers)  # without the HEAD that Starlette adds
        routes.append(route)
    return routes


def _choose(handlers: Mapping[str, Handler]) -> Handler:
    async def answer(request: Request) -> Response:
        return await handlers[request.method](request)

    return answer


def _make_handler(control: Control) -> Handler:
    takes = control.takes

    async def answer(request: Request) -> Response:
        if takes is None:
            return answer_json(await control.answer(request))
        if control.method == "GET":
            return answer_json(await control.answer(request, read_query(request, takes)))
        return answer_json(await control.answer(request, await read_body(request, takes)))

    return answer
