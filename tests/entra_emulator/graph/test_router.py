"""Which endpoint a path means, in every spelling that clients use."""

import re

import pytest
from starlette.responses import Response

from entra_emulator.graph.access.published_paths import list_published
from entra_emulator.graph.call import Call
from entra_emulator.graph.router import Endpoint, Router
from entra_emulator.graph.routes import ROUTER, ROUTES
from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS

ID = "70dc2de2-9270-407e-86e8-34f8000dcf5b"


def nothing(_: Call) -> Response:
    return Response()


@pytest.mark.parametrize(
    ("path", "canonical", "keys"),
    [
        ("/v1.0/users", "/v1.0/users", {}),
        ("/V1.0//USERS/", "/v1.0/users", {}),
        ("/beta/myorganization/users", "/beta/users", {}),
        (f"/v1.0/{ID}/users", "/v1.0/users", {}),
        ("/v1.0/contoso.example/users", "/v1.0/users", {}),
        (f"/v1.0/users/{ID}", f"/v1.0/users/{ID}", {"key": ID}),
        (f"/v1.0/users('{ID}')", f"/v1.0/users/{ID}", {"key": ID}),
        (f"/v1.0/users({ID})", f"/v1.0/users/{ID}", {"key": ID}),
        (
            "/v1.0/users('o''neil@x.example')",
            "/v1.0/users/o'neil@x.example",
            {"key": "o'neil@x.example"},
        ),
        ("/v1.0/users/a%23b%40x.example", "/v1.0/users/a%23b@x.example", {"key": "a#b@x.example"}),
        (
            f"/v1.0/applications(appId='{ID}')",
            f"/v1.0/applications/appId='{ID}'",
            {"key": f"appId='{ID}'"},
        ),
        (f"/v1.0/Groups/{ID}/MEMBERS/$COUNT", f"/v1.0/groups/{ID}/members/$count", {"key": ID}),
        (
            f"/v1.0/groups/{ID}/members/Microsoft.Graph.User",
            f"/v1.0/groups/{ID}/members/microsoft.graph.user",
            {"key": ID},
        ),
        (
            f"/v1.0/groups/{ID}/members/graph.user/$count",
            f"/v1.0/groups/{ID}/members/microsoft.graph.user/$count",
            {"key": ID},
        ),
    ],
)
def test_spellings(path: str, canonical: str, keys: dict[str, str]) -> None:
    """A path is found in any case, with its key in parentheses, behind a tenant."""
    resolved = ROUTER.resolve(path)

    assert resolved is not None
    assert (resolved.path, resolved.keys, resolved.unknown) == (canonical, keys, None)
    assert "GET" in resolved.endpoints


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        (f"/users/{ID}/DISPLAYNAME", "displayName"),
        (f"/users('{ID}')/displayName/$value", "displayName"),
        (f"/applications/{ID}/Web/RedirectUris", "web/redirectUris"),
        (
            f"/applications/{ID}/web/implicitGrantSettings/enableIdTokenIssuance/$value",
            "web/implicitGrantSettings/enableIdTokenIssuance",
        ),
        ("/me/givenName", "givenName"),
        (
            f"/users/{ID}/extension_{ID.replace('-', '')}_size",
            f"extension_{ID.replace('-', '')}_size",
        ),
    ],
)
def test_a_property_is_one_of_the_type_or_of_its_value(path: str, canonical: str) -> None:
    resolved = ROUTER.resolve(f"/v1.0{path}")

    assert resolved is not None
    assert (resolved.keys["property"], resolved.unknown) == (canonical, None)
    assert set(resolved.endpoints) == {"GET"}
    assert f"/{canonical}" in resolved.path


@pytest.mark.parametrize(
    ("path", "unknown"),
    [
        (f"/users/{ID}/appRoles", "appRoles"),
        (f"/users/{ID}/displayName/length", "length"),
        (f"/applications/{ID}/web/nothing", "nothing"),
        (f"/applications/{ID}/appRoles/value", "value"),
        (f"/applications/{ID}/logo", "logo"),
        (f"/users/{ID}/print", "print"),
        (f"/users/{ID}/PRINT/recentPrinterShares", "PRINT"),
        ("/me/print", "print"),
    ],
)
def test_what_is_no_property_is_unknown(path: str, unknown: str) -> None:
    resolved = ROUTER.resolve(f"/v1.0{path}")

    assert resolved is not None
    assert resolved.unknown == unknown


def test_what_is_published_below_a_property_is_in_its_value() -> None:
    """Nothing is answered as a property that only stands before other paths."""
    served = {f"/{one.collection}/{{id}}/".lower(): one.name for one in KINDS.values()}
    for _, template in list_published():
        start = re.match(r"/\w+/\{id\}/", template)
        if not start or start[0] not in served:
            continue
        below = template.removeprefix(start[0]).split("/")
        resolved = ROUTER.resolve(f"/v1.0{start[0].replace('{id}', ID)}{below[0]}")
        assert resolved is not None
        name = resolved.keys.get("property")
        if name and len(below) > 1 and below[1] != "{id}":
            edm = schema.declared(served[start[0]])[name]
            assert schema.canonical(edm.removeprefix("microsoft.graph."), below[1]), template


@pytest.mark.parametrize(
    ("path", "unknown"),
    [
        ("/v1.0/nothing", "nothing"),
        (f"/v1.0/users/{ID}/nothing/more", "nothing"),
        (f"/v1.0/groups/{ID}/members/microsoft.graph.nothing", "microsoft.graph.nothing"),
    ],
)
def test_unknown(path: str, unknown: str) -> None:
    """The first segment that means nothing is named."""
    resolved = ROUTER.resolve(path)

    assert resolved is not None
    assert (resolved.unknown, dict(resolved.endpoints)) == (unknown, {})


@pytest.mark.parametrize("path", ["/", "", "/v2.0/users", "/users", "/common/oauth2/token"])
def test_foreign(path: str) -> None:
    """What does not begin with a version is not Graph's."""
    assert ROUTER.resolve(path) is None


@pytest.mark.parametrize(
    "spelling", ["delta", "delta()", "microsoft.graph.delta", "DELTA()", "graph.delta()"]
)
def test_functions(spelling: str) -> None:
    """A function is called with and without its namespace and parentheses."""
    router = Router([Endpoint("GET", "/users/delta", nothing)])
    resolved = router.resolve(f"/v1.0/users/{spelling}")

    assert resolved is not None
    assert resolved.path == "/v1.0/users/delta"


def test_every_route_is_reached() -> None:
    """Every line of the table is found by its own path."""
    for endpoint in ROUTES:
        path = endpoint.path.replace("{property}", "id").replace("{", "x-").replace("}", "")
        resolved = ROUTER.resolve(f"/v1.0{path}")

        assert resolved is not None
        assert resolved.endpoints.get(endpoint.method) == endpoint, endpoint.path
