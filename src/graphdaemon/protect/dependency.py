"""A dependency for single routes of FastAPI and Starlette. Only this module imports Starlette."""

from collections.abc import Awaitable, Callable
from typing import Any

from graphdaemon.errors import CallerRefusedError
from graphdaemon.protect.api import ProtectedApi
from graphdaemon.protect.caller import Caller
from graphdaemon.protect.refusal import refuse
from graphdaemon.protect.requirement import Requirement


def dependency(
    api: ProtectedApi, requirement: Requirement | None = None
) -> Callable[[Any], Awaitable[Caller]]:
    """
    Return a dependency that gives a route its caller, or refuses the request.

    FastAPI calls it automatically: `caller: Annotated[Caller, Depends(dependency(api))]`. A route
    of Starlette calls it with the request. A refusal is raised as Starlette's `HTTPException`.

    Args:
        api: The protected API.
        requirement: What the route requires; by default, the requirement in the settings.

    Raises:
        SettingsError: Nothing is required of a caller.
    """
    from starlette.exceptions import HTTPException
    from starlette.requests import HTTPConnection

    needed = api.choose(requirement)

    async def identify_caller(connection: HTTPConnection) -> Caller:
        try:
            values = connection.headers.getlist("Authorization")
            if len(values) > 1:
                raise refuse("bearer_repeated")
            return await api.check_async(values[0] if values else None, needed)
        except CallerRefusedError as refusal:
            headers = {name: value for name, value in refusal.headers if name != "Content-Type"}
            raise HTTPException(refusal.status, str(refusal), headers) from refusal

    return identify_caller
