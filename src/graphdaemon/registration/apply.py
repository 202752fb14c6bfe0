"""Bring the actual state to the desired one: change the tenant, and write the settings here."""

import base64
import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from graphdaemon.auth.key_files import make_key_pair
from graphdaemon.errors import Error, GraphError, NetworkError
from graphdaemon.registration.actual import ActualState, read_actual_state
from graphdaemon.registration.admin_graph import AdminGraph, Change
from graphdaemon.registration.desired import DesiredState
from graphdaemon.registration.local_files import LocalFiles, LocalState
from graphdaemon.registration.plan import (
    ChangePlan,
    is_contradicted,
    needs_key,
    plan_changes,
    plan_removals,
)
from graphdaemon.registration.shapes import (
    NamedApplicationShape,
    NewSecretShape,
    ObjectShape,
    check_shape,
)
from graphdaemon.settings.model import Settings

# How many lost answers a run survives, and how long it waits before it reads what became of them.
_LOST_ANSWERS = 4
# Azure CLI pauses as long between its attempts (role/custom.py).
_PAUSE_S = 5.0


class ApplyResult(NamedTuple):
    """
    The result of a run.

    Attributes:
        client_id: Application (client) ID.
        changed: Whether the run changed anything, in the tenant or here.
        roles: The names of the app roles that the app should have.
        kind: Kind of the credential; `api` for an API, which has none.
        consent_error: Why admin consent is missing, if it is.
    """

    client_id: str
    changed: bool
    roles: tuple[str, ...]
    kind: str
    consent_error: GraphError | None = None


class Reconciler:
    """
    One run of `graphdaemon register`.

    Args:
        desired: The app to create or repair.
        settings: The tenant: authority, Graph, certificate authorities.
        admin_graph: Graph, called as the administrator.
        files: The settings file and key file to write.
        say: Shows the user what is being done.
        make: Creates a key pair, as `make_key_pair` does.
        now: The current time, with its zone.
    """

    def __init__(
        self,
        desired: DesiredState,
        settings: Settings,
        admin_graph: AdminGraph,
        files: LocalFiles,
        *,
        say: Callable[[str], None],
        make: Callable[..., tuple[str, bytes]] = make_key_pair,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._desired = desired
        self._settings = settings
        self._admin_graph = admin_graph
        self._files = files
        self._make = make
        self._say = say
        self._now = now
        self._values: dict[str, str] = {}
        self._changed = False
        self._consent_error: GraphError | None = None
        self._refused: set[str] = set()

    async def plan(self) -> tuple[Change, ...]:
        """
        List the changes that `apply` would make, without making any.

        Raises:
            Error: Graph refused or could not be reached, or the desired state is impossible.
        """
        plan, _ = self._plan(await read_actual_state(self._admin_graph, self._desired))
        return (*plan.before, *plan.after)

    async def apply(self) -> ApplyResult:
        """
        Create what is missing, write the settings, then remove what is no longer needed.

        Raises:
            Error: It was interrupted by an error. Run it again: it continues where it stopped.
        """
        self._files.check(self._settings.authority or "")
        plan, answers_lost = await self._converge()
        self._write_settings(plan)
        removals = plan.after
        if answers_lost:
            # A credential that was made by a request without an answer shows only now.
            await self._admin_graph.sleep(_PAUSE_S)
            actual = await read_actual_state(self._admin_graph, self._desired)
            local = self._files.read_state()
            removals = tuple(plan_removals(plan.kind, actual, local, self._now()))
        # Last, when the settings name the new credential: until then the old one is in use.
        for change in removals:
            await self._send(change)
        client_id, roles = self._values["client_id"], tuple(plan.roles)
        return ApplyResult(client_id, self._changed, roles, plan.kind, self._consent_error)

    async def _converge(self) -> tuple[ChangePlan, bool]:
        """Read and change until nothing is left to do; tell whether answers were lost meanwhile."""
        lost = 0
        while True:
            plan, local = self._plan(await self._read_actual_state())
            if needs_key(plan.kind, local, self._now()):
                pem, _ = self._make(self._files.title, days=self._desired.days)
                # Written before it is uploaded: a run that is stopped in between finds it again.
                self._files.write_key(pem)
                self._say(f"Made a key with its certificate: {self._files.key_file}")
            try:
                reread = await self._make_changes(plan.before)
            except (NetworkError, GraphError) as error:
                if not _may_be_done(error) or lost == _LOST_ANSWERS:
                    raise
                lost += 1
                reread = True
                self._say("An answer was lost; checking what became of the request.")
            if not reread:
                return plan, bool(lost)
            await self._admin_graph.sleep(_PAUSE_S if lost else 1.0)

    async def _read_actual_state(self) -> ActualState:
        """Read it twice where the local files contradict it: a copy may only lag behind."""
        actual = await read_actual_state(self._admin_graph, self._desired)
        if is_contradicted(actual, self._files.read_state()):
            await self._admin_graph.sleep(_PAUSE_S)
            actual = await read_actual_state(self._admin_graph, self._desired)
        return actual

    def _plan(self, actual: ActualState) -> tuple[ChangePlan, LocalState]:
        local = self._files.read_state()
        if actual.application is not None:
            self._values["application"] = str(actual.application["id"])
            self._values["client_id"] = str(actual.application["appId"])
        if actual.principal is not None:
            self._values["principal"] = str(actual.principal["id"])
        return plan_changes(self._desired, actual, local, self._now()), local

    async def _make_changes(self, changes: Iterable[Change]) -> bool:
        """Send one after the other; tell whether the actual state has to be read again."""
        for change in changes:
            if change.summary in self._refused:
                continue
            await self._send(change)
            if change.reread:
                return True
        return False

    async def _send(self, change: Change) -> None:
        self._say(change.summary)
        if change.body is not None and "keyCredentials" in change.body:
            self._values["certificate"] = base64.b64encode(self._files.certificate).decode()
        try:
            answer = await self._admin_graph.send(change, self._values)
        except GraphError as error:
            if change.dispensable and error.status == 403:
                self._refused.add(change.summary)
                self._say(
                    "  refused, because the app belongs to somebody else. It works without this."
                )
                return
            if error.case != "consent_reserved":
                raise
            # Another administrator can consent later, so the rest is done all the same.
            self._refused.add(change.summary)
            self._consent_error = error
            self._say("  refused: only some administrators may.")
            return
        self._changed = True
        await self._learn(change, answer)

    async def _learn(self, change: Change, answer: Mapping[str, Any]) -> None:
        """Keep what the answer tells for the changes that follow; if it is empty, ask."""
        if change.learns == "application":
            path = f"/applications(uniqueName='{self._desired.unique_name}')?$select=id,appId"
            application = answer or await self._admin_graph.get(path, NamedApplicationShape)
            check_shape(application, NamedApplicationShape, change.path)
            self._values["application"] = str(application["id"])
            self._values["client_id"] = str(application["appId"])
        elif change.learns == "principal":
            path = f"/servicePrincipals(appId='{self._values['client_id']}')?$select=id"
            principal = answer or await self._admin_graph.get(path, ObjectShape)
            check_shape(principal, ObjectShape, change.path)
            self._values["principal"] = str(principal["id"])
        elif change.learns == "secret":
            check_shape(answer, NewSecretShape, change.path)
            # Graph shows a secret once: it is written before anything else is done.
            settings = {**self._describe(), "secret": answer["secretText"]}
            self._files.write(settings, str(answer["keyId"]))
            self._say(f"Wrote it to {self._files.path}")

    def _write_settings(self, plan: ChangePlan) -> None:
        local = self._files.read_state()
        credential: dict[str, Any] = {}
        if plan.kind == "certificate":
            credential = {"private_key_file": self._files.key_file.name}
        elif plan.kind == "api":
            self._write_api_settings()
            return
        elif plan.kind == "federated":
            trusted = self._desired.federated_credential
            platform = trusted.platform if trusted else self._files.values.get("federated")
            credential = {"federated": platform}
        else:
            credential = {"secret": self._files.values["secret"]}
        if self._files.write({**self._describe(), **credential}, local.key_id):
            self._changed = True
            self._say(f"Wrote the settings: {self._files.path}")

    def _write_api_settings(self) -> None:
        """The settings of an API: the tokens that it accepts, and the roles that it requires."""
        exposed = self._desired.exposed
        assert exposed is not None, "an app that offers no API has a credential"
        client_id = self._values["client_id"]
        uri = exposed.uri.replace("{client_id}", client_id)
        # An earlier run may have made others, which open it as well.
        roles = list(dict.fromkeys((*self._files.values.get("roles", ()), *exposed.roles)))
        values: dict[str, Any] = {
            "authority": self._settings.authority,
            "client_id": client_id,
            "audience": [uri],
            **({"roles": roles} if roles else {}),
            **self._describe_trust(),
        }
        if self._files.write(values):
            self._changed = True
            self._say(f"Wrote the settings: {self._files.path}")

    def _describe_trust(self) -> dict[str, str]:
        # A relative path would be read from the settings file's folder, not from this one.
        ca_file = self._settings.ca_file
        return {} if ca_file is None else {"ca_file": str(ca_file.absolute())}

    def _describe(self) -> dict[str, Any]:
        """The settings without the credential; an endpoint that people have chosen stays."""
        settings = self._settings
        values: dict[str, Any] = {
            "authority": settings.authority,
            "client_id": self._values["client_id"],
        }
        # Where an API of one's own is, nobody has said here.
        chosen = self._files.values.get("endpoint")
        if self._desired.scope is not None:
            values["scope"] = [self._desired.scope]
            values |= {"endpoint": chosen} if chosen else {}
        else:
            values["scope"] = list(settings.scope)
            values["endpoint"] = chosen or settings.endpoint
        return values | self._describe_trust()


def _may_be_done(error: Error) -> bool:
    """Whether the request may have been carried out although its answer was no success."""
    return error.code in ("graph_unavailable", "page_malformed", "connection_lost", "timed_out")
