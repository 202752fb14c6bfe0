"""The states that the doctor tells apart: each brings one about, and says what to run it on."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.key_files import make_key_pair
from graphdaemon.settings.read import read_settings
from tests.support.certificates_and_assertions import make_identity
from tests.support.client_app import App, register
from tests.support.connect_proxy import connect_proxy, make_tls, no_proxy
from tests.support.foreign_issuer import SUBJECT, Foreign
from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import TENANT, Answer, Request, ScriptedServer, json_answer, page
from tests.support.unsigned_tokens import make_token

# Microsoft Graph's IDs of one permission: as an app role, and as a scope.
USER_READ_ALL_ROLE = "df021288-bdef-4463-88db-98f22de89214"
USER_READ_ALL_SCOPE = "a154be20-db9c-4678-8ab7-66f6cc099a59"
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"


@dataclass
class Scene:
    """Everything a state is made of."""

    emulator: Emulator
    own: Emulator
    issuer: Foreign
    app: App
    key_pair: tuple[str, bytes]
    parameters: WriteParameters
    scripted: ScriptedServer
    folder: Path
    patch: pytest.MonkeyPatch
    stack: contextlib.ExitStack
    more: tuple[str, ...] = ()

    def fresh(self, emulator: Emulator | None = None, *, consent: bool = True) -> App:
        """An app of the state's own."""
        return register(emulator or self.emulator, self.key_pair, consent=consent)

    def own_parameters(self, app: App, **changes: Any) -> Path:
        """Settings for the emulator that only these tests use."""
        own = self.own
        place = {
            "authority": f"{own.url}/{own.tenant.id}",
            "endpoint": f"{own.url}/v1.0/users",
            "ca_file": str(own.ca_file),
            "client_id": app.client_id,
            "secret": app.secret,
        }
        return self.parameters(**(place | changes))

    def scripted_parameters(self, token: str, **changes: Any) -> Path:
        """Settings for a Graph that answers what the state says, to a token that it made."""
        self.scripted.token_answer = json_answer(
            {"token_type": "Bearer", "expires_in": 3599, "access_token": token}
        )
        return self.scripted.write_parameters(self.folder, **changes)

    def key_file(self, pem: str) -> str:
        path = self.folder / "key.pem"
        path.write_text(pem)
        path.chmod(0o600)
        return str(path)


State = Callable[[Scene], Path | None]
STATES: dict[str, State] = {}


def state(name: str) -> Callable[[State], State]:
    def keep(function: State) -> State:
        STATES[name] = function
        return function

    return keep


@state("no file")
def _(_: Scene) -> None:
    return None


@state("placeholder")
def _(scene: Scene) -> Path:
    return scene.parameters(client_id="Enter_the_Application_Id_Here")


@state("secret id")
def _(scene: Scene) -> Path:
    return scene.parameters(secret=scene.app.secret_id)


@state("secret wrong")
def _(scene: Scene) -> Path:
    return scene.parameters(secret=f"{scene.app.secret}x")


@state("secret expired")
def _(scene: Scene) -> Path:
    app, now = scene.fresh(), scene.emulator.clock.now()
    directory, tenant = scene.emulator.directory, scene.emulator.tenant
    old = directory.credentials.add_password(
        tenant, app.client_id, start=now - 7200, end=now - 3600
    )
    return scene.parameters(client_id=app.client_id, secret=old.secret_text)


@state("certificate not uploaded")
def _(scene: Scene) -> Path:
    pem, _ = make_key_pair("another")
    return scene.parameters(secret=None, private_key_file=scene.key_file(pem))


@state("thumbprint wrong")
def _(scene: Scene) -> Path:
    path = scene.key_file(scene.app.pem)
    return scene.parameters(secret=None, private_key_file=path, thumbprint="AB" * 20)


@state("key and certificate apart")
def _(scene: Scene) -> Path:
    key, mark, _ = scene.app.pem.partition("-----BEGIN CERT")
    other, _ = make_key_pair("another")
    pem = key + mark + other.partition("-----BEGIN CERT")[2]
    return scene.parameters(secret=None, private_key_file=scene.key_file(pem))


@state("key of another certificate")
def _(scene: Scene) -> Path:
    pem, _ = make_key_pair("another")
    path = scene.key_file(pem.partition("-----BEGIN CERT")[0])
    return scene.parameters(secret=None, private_key_file=path, thumbprint=scene.app.thumbprint)


@state("certificate expired")
def _(scene: Scene) -> Path:
    identity = make_identity(start_days=-9, end_days=-1)
    app, path = scene.fresh(), scene.key_file(identity.key_pem + identity.certificate_pem)
    scene.emulator.directory.credentials.add_certificate(
        scene.emulator.tenant, app.client_id, identity.der
    )
    return scene.parameters(client_id=app.client_id, secret=None, private_key_file=path)


@state("key file missing")
def _(scene: Scene) -> Path:
    return scene.parameters(secret=None, private_key_file="nowhere.pem")


@state("key encrypted")
def _(scene: Scene) -> Path:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(scene.app.pem.encode(), None)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    return scene.parameters(secret=None, private_key_file=scene.key_file(pem.decode()))


@state("federation subject")
def _(scene: Scene) -> Path:
    app = scene.fresh(scene.own)
    scene.own.directory.credentials.add_federated(
        scene.own.tenant, app.client_id, "pipeline", scene.issuer.url, "repo:contoso/other:x"
    )
    path = scene.folder / "federated"
    path.write_text(scene.issuer.token())
    return scene.own_parameters(app, secret=None, federated_token_file=str(path))


@state("federated token stale")
def _(scene: Scene) -> Path:
    app, now = scene.fresh(scene.own), int(time.time())
    scene.own.directory.credentials.add_federated(
        scene.own.tenant, app.client_id, "pipeline", scene.issuer.url, SUBJECT
    )
    path = scene.folder / "federated"
    # Fifty minutes old, of five that it lived, as GitHub's tokens do.
    path.write_text(scene.issuer.token(iat=now - 3000, nbf=now - 3000, exp=now - 2700))
    return scene.own_parameters(app, secret=None, federated_token_file=str(path))


@state("no managed identity")
def _(scene: Scene) -> Path:
    scene.patch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{deaf_port(scene)}")
    return scene.parameters(authority=None, client_id=None, secret=None, managed_identity="system")


@state("tenant unknown")
def _(scene: Scene) -> Path:
    return scene.parameters(authority=f"{scene.emulator.url}/{TENANT}")


@state("app not in tenant")
def _(scene: Scene) -> Path:
    app, own = scene.fresh(scene.own), scene.own
    other = own.directory.tenants.create("Fabrikam", [f"{secrets.token_hex(4)}.example"])
    return scene.own_parameters(app, authority=f"{own.url}/{other.id}")


@state("app disabled")
def _(scene: Scene) -> Path:
    app = scene.fresh()
    scene.emulator.directory.service_principals.enable(
        scene.emulator.tenant, app.client_id, enabled=False
    )
    return scene.parameters(client_id=app.client_id, secret=app.secret)


@state("conditional access")
def _(scene: Scene) -> Path:
    app = scene.fresh()
    scene.emulator.directory.token_policies.block(scene.emulator.tenant, app.client_id)
    return scene.parameters(client_id=app.client_id, secret=app.secret)


@state("scope without default")
def _(scene: Scene) -> Path:
    return scene.parameters(scope=["https://graph.microsoft.com/User.Read.All"])


@state("api unknown")
def _(scene: Scene) -> Path:
    return scene.parameters(scope=["https://api.contoso.example/.default"])


@state("uri unset")
def _(scene: Scene) -> Path:
    api = scene.emulator.directory.applications.register(scene.emulator.tenant, "Ledger API")
    return scene.parameters(scope=[f"api://{api.app_id}/.default"])


@state("not assigned")
def _(scene: Scene) -> Path:
    directory, tenant = scene.emulator.directory, scene.emulator.tenant
    api = directory.applications.register(tenant, "Ledger API")
    directory.applications.expose_api(
        tenant, api.app_id, app_roles=[("Read", "Read")], assignment_required=True
    )
    return scene.parameters(scope=[f"api://{api.app_id}/.default"])


@state("delegated, unproved")
def _(scene: Scene) -> Path:
    directory, tenant = scene.emulator.directory, scene.emulator.tenant
    application = directory.applications.register(tenant, "Delegated")
    password = directory.credentials.add_password(tenant, application.app_id)
    directory.applications.add_delegated_permission(tenant, application.app_id, "User.Read.All")
    directory.consents.grant_admin_consent(tenant, application.app_id)
    return scene.parameters(client_id=application.app_id, secret=password.secret_text)


@state("not consented, unproved")
def _(scene: Scene) -> Path:
    app = scene.fresh(consent=False)
    return scene.parameters(client_id=app.client_id, secret=app.secret)


def own_registration(*, kind: str, number: str, granted: tuple[str, ...]) -> Any:
    """A Graph where the app may read what it asked for and what it was given, and no users."""

    def answer(request: Request) -> Answer:
        if "/appRoleAssignments" in request.target:
            return page(*({"appRoleId": one} for one in granted))
        if request.target.startswith("/v1.0/applications(appId="):
            access = [{"id": number, "type": kind}]
            resources = [{"resourceAppId": GRAPH_APP_ID, "resourceAccess": access}]
            return json_answer({"requiredResourceAccess": resources, "passwordCredentials": []})
        return denied()

    return answer


def denied(code: str = "Authorization_RequestDenied", message: str = "Insufficient.") -> Answer:
    return json_answer({"error": {"code": code, "message": message}}, 403, **{"request-id": "r-1"})


@state("delegated, proved")
def _(scene: Scene) -> Path:
    scene.scripted.script = own_registration(kind="Scope", number=USER_READ_ALL_SCOPE, granted=())
    return scene.scripted_parameters(make_token(roles=["Application.Read.All"]))


@state("not consented, proved")
def _(scene: Scene) -> Path:
    scene.scripted.script = own_registration(kind="Role", number=USER_READ_ALL_ROLE, granted=())
    return scene.scripted_parameters(make_token(roles=["Application.Read.All"]))


@state("role granted meanwhile")
def _(scene: Scene) -> Path:
    scene.scripted.script = own_registration(
        kind="Role", number=USER_READ_ALL_ROLE, granted=(USER_READ_ALL_ROLE,)
    )
    return scene.scripted_parameters(make_token(roles=["Application.Read.All"]))


@state("other roles")
def _(scene: Scene) -> Path:
    scene.more = ("--for", "GET /groups")
    return scene.parameters()


@state("consent newer than token")
def _(scene: Scene) -> Path:
    own = scene.own
    # The token is an hour old: so it says itself, and so the emulator's clock had it.
    move_clock(scene, -3600)
    app = scene.fresh(own, consent=False)
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    scene.patch.setenv("GRAPHDAEMON_CACHE_KEY", key)
    path = scene.own_parameters(
        app, token_cache="file", token_cache_folder=str(scene.folder / "cache")
    )
    warm_cache(path)
    own.clock.resume()
    own.directory.consents.grant_admin_consent(own.tenant, app.client_id)
    return path


def warm_cache(path: Path) -> None:
    from graphdaemon.auth.app_identity import AppIdentity
    from graphdaemon.auth.token import Demand
    from graphdaemon.http.transport import Transport

    settings = read_settings(path)
    transport = Transport(ca_file=settings.ca_file)
    AppIdentity(settings, transport).fetch(Demand())
    transport.close()


@state("beyond roles")
def _(scene: Scene) -> Path:
    scene.scripted.script = [denied()]
    return scene.scripted_parameters(make_token(roles=["User.Read.All"]))


@state("firewall's page")
def _(scene: Scene) -> Path:
    page_of_firewall = b"<html><title>Blocked</title><p>Ask the help desk.</html>"
    headers = {"Content-Type": "text/html", "Server": "AcmeGuard/7"}
    scene.scripted.script = lambda _: Answer(403, page_of_firewall, headers)
    return scene.scripted_parameters(make_token(roles=["User.Read.All"]))


@state("own api refuses")
def _(scene: Scene) -> Path:
    scene.scripted.script = [json_answer({"error": "no"}, 403)]
    token = make_token(aud="api://ledger", roles=["Read"])
    return scene.scripted_parameters(token, scope=["api://ledger/.default"])


@state("licence")
def _(scene: Scene) -> Path:
    scene.more = ("--for", "GET /auditLogs/signIns")
    words = "Neither tenant is B2C or tenant doesn't have premium license"
    scene.scripted.script = [denied("Authentication_RequestFromNonPremiumTenantOrB2CTenant", words)]
    return scene.scripted_parameters(make_token(roles=["AuditLog.Read.All"]))


@state("token for another api")
def _(scene: Scene) -> Path:
    directory, tenant = scene.emulator.directory, scene.emulator.tenant
    api = directory.applications.register(tenant, "Ledger API")
    directory.applications.expose_api(tenant, api.app_id, app_roles=[("Read", "Read")])
    return scene.parameters(scope=[f"api://{api.app_id}/.default"])


@state("more than needed")
def _(scene: Scene) -> Path:
    app, directory, tenant = scene.fresh(), scene.emulator.directory, scene.emulator.tenant
    directory.applications.add_application_permission(tenant, app.client_id, "Mail.ReadWrite")
    directory.consents.grant_admin_consent(tenant, app.client_id)
    return scene.parameters(client_id=app.client_id, secret=app.secret)


@state("throttled")
def _(scene: Scene) -> Path:
    scene.scripted.script = [json_answer({"error": {"code": "TooManyRequests"}}, 429)]
    return scene.scripted_parameters(make_token(roles=["User.Read.All"]))


@state("name unknown")
def _(scene: Scene) -> Path:
    return scene.parameters(authority=f"https://login.invalid/{TENANT}")


@state("nothing listens")
def _(scene: Scene) -> Path:
    return scene.parameters(authority=f"https://127.0.0.1:{deaf_port(scene)}/{TENANT}")


def deaf_port(scene: Scene) -> int:
    """A port that nobody listens on, and that nobody else can take meanwhile."""
    bound = scene.stack.enter_context(socket.socket())
    bound.bind(("127.0.0.1", 0))
    port: int = bound.getsockname()[1]
    return port


@state("blocked by silence")
def _(scene: Scene) -> Path:
    port = scene.stack.enter_context(silent_port())
    return scene.parameters(authority=f"https://127.0.0.1:{port}/{TENANT}", timeout=0.3)


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port whose queue is full: what is sent to it is dropped, as by a firewall."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield port


@state("blocked by name")
def _(scene: Scene) -> Path:
    port = scene.stack.enter_context(cutting_port())
    return scene.parameters(authority=f"https://127.0.0.1:{port}/{TENANT}")


@contextlib.contextmanager
def cutting_port() -> Iterator[int]:
    """A port that resets each line at the first bytes of TLS."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                line.recv(5)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        # shutdown wakes the thread that waits in accept; close alone does not.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


MICROSOFT = "login.microsoftonline.com"
PROXY_PASSWORD = "the-proxy~password.7"


def name_proxy(scene: Scene, address: str) -> None:
    scene.patch.setenv("HTTPS_PROXY", address)
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        scene.patch.delenv(name, raising=False)


def far_parameters(scene: Scene) -> Path:
    return scene.parameters(authority=f"https://{MICROSOFT}/{TENANT}")


@state("proxy unreadable")
def _(scene: Scene) -> Path:
    name_proxy(scene, f"http://me:{PROXY_PASSWORD}@proxy.example:99999")
    return far_parameters(scene)


@state("proxy unknown")
def _(scene: Scene) -> Path:
    name_proxy(scene, f"http://me:{PROXY_PASSWORD}@proxy.invalid:3128")
    return far_parameters(scene)


@state("proxy down")
def _(scene: Scene) -> Path:
    name_proxy(scene, f"http://me:{PROXY_PASSWORD}@127.0.0.1:{deaf_port(scene)}")
    return far_parameters(scene)


@state("proxy foreign")
def _(scene: Scene) -> Path:
    address, _ = scene.stack.enter_context(no_proxy(b"220 mail.example ready\r\n"))
    name_proxy(scene, f"http://me:{PROXY_PASSWORD}@{address}")
    return far_parameters(scene)


@state("proxy untrusted")
def _(scene: Scene) -> Path:
    tls = make_tls(trustme.CA())
    address, _ = scene.stack.enter_context(connect_proxy(1, tls=tls))
    name_proxy(scene, f"https://me:{PROXY_PASSWORD}@{address}")
    return far_parameters(scene)


@state("proxy sign-in")
def _(scene: Scene) -> Path:
    through_proxy(
        scene,
        "407 Proxy Authentication Required",
        names=(MICROSOFT,),
        headers=("Proxy-Authenticate: Negotiate", "Proxy-Authenticate: NTLM"),
    )
    return far_parameters(scene)


@state("proxy gateway")
def _(scene: Scene) -> Path:
    through_proxy(scene, "504 Gateway Timeout", names=(MICROSOFT,))
    return far_parameters(scene)


def through_proxy(
    scene: Scene,
    status: str = "200 OK",
    *,
    names: tuple[str, ...],
    headers: tuple[str, ...] = (),
) -> ScriptedServer:
    """Every far host is reached through a proxy, which leads to a server with these names."""
    server = scene.stack.enter_context(ScriptedServer(*names))
    proxy = connect_proxy(server.port, status, headers=headers)
    address, _ = scene.stack.enter_context(proxy)
    name_proxy(scene, f"http://me:{PROXY_PASSWORD}@{address}")
    server.url = f"https://{names[0]}"
    server.token_answer = json_answer(
        {"expires_in": 3599, "access_token": make_token(roles=["User.Read.All"])}
    )
    server.script = [page({"id": "1"})]
    return server


@state("blocked by the proxy")
def _(scene: Scene) -> Path:
    through_proxy(scene, "403 Forbidden", names=(MICROSOFT,))
    return scene.parameters(authority=f"https://{MICROSOFT}/{TENANT}")


@state("proxy password")
def _(scene: Scene) -> Path:
    through_proxy(scene, "407 Proxy Authentication Required", names=(MICROSOFT,))
    return scene.parameters(authority=f"https://{MICROSOFT}/{TENANT}")


@state("private authority")
def _(scene: Scene) -> Path:
    return scene.parameters(ca_file=None)


@state("interception, untrusted")
def _(scene: Scene) -> Path:
    through_proxy(scene, names=(MICROSOFT, "graph.microsoft.com"))
    return scene.parameters(authority=f"https://{MICROSOFT}/{TENANT}")


@state("interception, trusted")
def _(scene: Scene) -> Path:
    server = through_proxy(scene, names=(MICROSOFT, "graph.microsoft.com"))
    return scene.parameters(
        authority=f"https://{MICROSOFT}/{TENANT}",
        endpoint="https://graph.microsoft.com/v1.0/users",
        ca_file=str(server.ca_file),
    )


@state("another host's certificate")
def _(scene: Scene) -> Path:
    server = through_proxy(scene, names=("portal.hotel.example",))
    return scene.parameters(authority=f"https://{MICROSOFT}/{TENANT}", ca_file=str(server.ca_file))


@state("ca file missing")
def _(scene: Scene) -> Path:
    return scene.parameters(ca_file="nowhere.pem")


@state("clock, certificate")
def _(scene: Scene) -> Path:
    app = scene.fresh(scene.own)
    move_clock(scene, 3600)
    return scene.own_parameters(app, secret=None, private_key_file=scene.key_file(app.pem))


@state("clock, secret")
def _(scene: Scene) -> Path:
    app = scene.fresh(scene.own)
    move_clock(scene, 3600)
    return scene.own_parameters(app)


def move_clock(scene: Scene, seconds: float) -> None:
    scene.own.clock.move(seconds)
    scene.stack.callback(scene.own.clock.resume)


@state("sign-in page")
def _(scene: Scene) -> Path:
    scene.scripted.metadata_answer = Answer(
        200, b"<html>Welcome to the hotel</html>", {"Content-Type": "text/html"}
    )
    return scene.scripted.write_parameters(scene.folder)


@state("outage")
def _(scene: Scene) -> Path:
    scene.scripted.metadata_answer = Answer(503, b"<html>Our services aren't available</html>")
    return scene.scripted.write_parameters(scene.folder)


def report_of(command: Command, *arguments: object) -> tuple[int, dict[str, Any]]:
    outcome = command("doctor", *arguments, "--json")
    report: dict[str, Any] = json.loads(outcome.out)
    return outcome.code, report
