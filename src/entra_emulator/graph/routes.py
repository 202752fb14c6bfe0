"""
The route table of Microsoft Graph, below each version.

Every module of `resources` states the routes of its collection as `ROUTES`, and the entity sets
that `$metadata` is to name besides those of directory objects as `SETS`.
"""

from functools import partial
from importlib import import_module
from pkgutil import iter_modules

from entra_emulator.graph import resources
from entra_emulator.graph.batch import run_batch
from entra_emulator.graph.metadata import list_service, show_metadata
from entra_emulator.graph.router import Endpoint, Router

# The folder is the list, so that a new collection takes one new file and nothing else.
_MODULES = [
    import_module(f"{resources.__name__}.{module.name}")
    for module in iter_modules(resources.__path__)
]
# A tuple, because it is the key under which `$metadata` is cached.
SETS: tuple[tuple[str, str], ...] = tuple(
    entry for module in _MODULES for entry in getattr(module, "SETS", {}).items()
)

ROUTES: tuple[Endpoint, ...] = (
    Endpoint("GET", "/", partial(list_service, sets=SETS), public=True),
    Endpoint("GET", "/$metadata", partial(show_metadata, sets=SETS), public=True),
    Endpoint("POST", "/$batch", run_batch),
    *(endpoint for module in _MODULES for endpoint in module.ROUTES),
)

# Without these, the words would be taken for the keys of objects.
_RESERVED = (
    "/applications/microsoft.graph.agentIdentityBlueprint",
    "/groups/onPremisesSyncBehavior",
    "/servicePrincipals/microsoft.graph.agentIdentity",
    "/servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal",
    "/users/getManagedAppBlockedUsers",
    "/users/microsoft.graph.agentUser",
    "/users/onPremisesSyncBehavior",
)

ROUTER = Router(ROUTES, _RESERVED)
