"""An API in each web framework, called over TLS with tokens of the pretend tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import graphdaemon
from entra_emulator.server.emulator import Emulator
from graphdaemon import protect
from tests.support.emulator_probe import App, Probe, register
from tests.support.protected_apps import ASGI, HEALTH, READ, WRITE, WSGI, Served, read, serve

FRAMEWORKS = [*ASGI, *WSGI]


class Place(NamedTuple):
    """The tenant, the API registered in it, and two apps: one that may read orders, one of none."""

    emulator: Emulator
    client_id: str
    caller: App
    stranger: App

    def token(self, app: App) -> str:
        return app.token(scope=f"api://{self.client_id}/.default")

    def protect(self, **options: Any) -> protect.ProtectedApi:
        return protect.load(
            **options,
            authority=f"{self.emulator.url}/{self.emulator.tenant.id}",
            client_id=self.client_id,
            roles=[READ],
            ca_file=str(self.emulator.ca_file),
        )


@pytest.fixture(params=[1, 2], ids=["version 1.0", "version 2.0"])
def place(launch: Callable[..., Probe], request: pytest.FixtureRequest) -> Place:
    probe = launch(users=1)
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    api = directory.applications.register(tenant, "Orders")
    roles = [(READ, "Read orders"), (WRITE, "Write orders")]
    directory.applications.expose_api(
        tenant,
        api.app_id,
        app_roles=roles,
        token_version=request.param,
        optional_claims=["xms_cc"],
    )
    caller, stranger = register(probe, name="Caller"), register(probe, name="Stranger")
    directory.applications.add_application_permission(
        tenant, caller.client_id, READ, resource_app_id=api.app_id
    )
    directory.consents.grant_admin_consent(tenant, caller.client_id)
    return Place(probe.emulator, api.app_id, caller, stranger)


@pytest.fixture(params=FRAMEWORKS)
def served(place: Place, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    name = request.param
    with place.protect() as api:
        app = (ASGI | WSGI)[name](api)
        with serve(app, tmp_path, is_asgi=name in ASGI) as running:
            yield running


def test_each_framework_lets_in_whom_it_should(place: Place, served: Served) -> None:
    """Callers by their roles, before and after the tenant's key is replaced; anybody to /health."""
    token, strange = place.token(place.caller), place.token(place.stranger)

    known = served.get("/orders", f"Bearer {token}")
    assert (known.status, read(known)) == (200, {"client": place.caller.client_id, "roles": [READ]})
    assert served.get(HEALTH).status == 200

    nobody = served.get("/orders")
    assert (nobody.status, nobody.headers["www-authenticate"]) == (401, "Bearer")

    forged = served.get("/orders", f"Bearer {token[:-8]}AAAAAAAA")
    assert forged.status == 401
    assert forged.headers["www-authenticate"] == (
        'Bearer error="invalid_token", error_description="The signature of the token is not that '
        'of the key it names. (bearer_forged)"'
    )

    roleless = served.get("/orders", f"Bearer {strange}")
    assert roleless.status == 403
    assert 'error="insufficient_scope"' in roleless.headers["www-authenticate"]
    assert READ in roleless.headers["www-authenticate"]

    readonly = served.get("/stock", f"Bearer {token}")
    assert readonly.status == 403
    assert WRITE in readonly.headers["www-authenticate"]
    assert token not in str(readonly)

    for_graph = served.get("/orders", f"Bearer {place.caller.token()}")
    assert for_graph.status == 401
    assert "bearer_for_graph" in for_graph.headers["www-authenticate"]

    place.emulator.keys.rotate()
    fresh = place.token(place.caller)
    assert served.get("/orders", f"Bearer {fresh}").status == 200
    assert served.get("/orders", f"Bearer {token}").status == 200


def test_two_tokens_in_one_request_are_refused(place: Place, served: Served) -> None:
    """Which of them counts would depend on who reads the request; WSGI joins them by a comma."""
    good = f"Bearer {place.token(place.caller)}"

    answer = served.get("/orders", good, good)

    challenge = answer.headers["www-authenticate"]
    assert (answer.status, challenge.split(",")[0]) in {
        (400, 'Bearer error="invalid_request"'),
        (401, 'Bearer error="invalid_token"'),
    }


def test_a_client_whose_tokens_were_revoked_gets_a_new_one(place: Place, tmp_path: Path) -> None:
    """The challenge is of a form that a client understands: it calls on, with no failure seen."""
    since: list[float] = []
    seen: list[protect.Caller] = []

    def revoked(caller: protect.Caller) -> float | None:
        seen.append(caller)
        return since[0] if since else None

    with place.protect(revoked=revoked) as api:
        app = ASGI["starlette"](api)
        with serve(app, tmp_path, is_asgi=True) as served:
            trusted = tmp_path / "both-ca.pem"
            trusted.write_bytes(
                place.emulator.ca_file.read_bytes() + b"\n" + served.ca_file.read_bytes()
            )
            loaded = graphdaemon.load(
                authority=f"{place.emulator.url}/{place.emulator.tenant.id}",
                client_id=place.caller.client_id,
                secret=place.caller.secret,
                scope=[f"api://{place.client_id}/.default"],
                endpoint=f"{served.url}/orders",
                ca_file=str(trusted),
            )
            with loaded as client:
                first = client.get("orders")
                since.append(seen[-1].issued + 1)
                place.emulator.clock.move(2)
                second = client.get("orders")

    assert first == second == {"client": place.caller.client_id, "roles": [READ]}
    assert [caller.claims["uti"] for caller in seen[:2]] == [seen[0].claims["uti"]] * 2
    assert seen[2].claims["uti"] != seen[0].claims["uti"]
    assert len(seen) == 3
