"""Carries a registration out: what is missing in the tenant, the settings here, and the proof."""

import base64
import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from graphdaemon.errors import Error, GraphError, NetworkError
from graphdaemon.registration.actual import Found, look
from graphdaemon.registration.admin_graph import Desk
from graphdaemon.registration.change import Change
from graphdaemon.registration.desired import Wish
from graphdaemon.registration.local_files import Files, Held
from graphdaemon.registration.plan import (
    Plan,
    is_contradicted,
    needs_key,
    plan_changes,
    plan_removals,
)
from graphdaemon.settings.model import Settings

# How often an answer may be lost before that is the end, and how long to wait before looking what
# became of the request.
_LOSSES = 4
_PAUSE_S = 5.0


class Registered(NamedTuple):
    """
    What there is at the end.

    Attributes:
        client_id: Application (client) ID.
        changed: Whether anything was different before, in the tenant or here.
        roles: The app roles that were wanted.
        kind: Of the credential.
        refusal: Why consent is missing, if it is.
    """

    client_id: str
    changed: bool
    roles: tuple[str, ...]
    kind: str
    refusal: GraphError | None = None


class Registrar:
    """
    One run.

    Args:
        wish: What is wanted.
        place: The tenant: authority, Graph, certificate authorities.
        desk: Asks Graph as the administrator.
        files: What is written here.
        make: Makes a key pair as PEM text, for whom.
        say: Tells what is done.
        now: The time, with its zone.
    """

    def __init__(
        self,
        wish: Wish,
        place: Settings,
        desk: Desk,
        files: Files,
        *,
        make: Callable[[str], str],
        say: Callable[[str], None],
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._wish = wish
        self._place = place
        self._desk = desk
        self._files = files
        self._make = make
        self._say = say
        self._now = now
        self._known: dict[str, str] = {}
        self._changed = False
        self._refusal: GraphError | None = None
        self._refused: set[str] = set()

    async def plan(self) -> tuple[Change, ...]:
        """
        Work out what would be done, and do nothing; what is known is filled in.

        Raises:
            Error: Refused, not reached, or impossible.
        """
        plan, _ = await self._plan(await look(self._desk, self._wish))
        return (*plan.before, *plan.after)

    async def run(self) -> Registered:
        """
        Do what is missing.

        Raises:
            Error: Run it again: it goes on where it stopped.
        """
        self._files.check(self._place.authority or "")
        plan, lost = await self._converge()
        self._write(plan)
        after = plan.after
        if lost:
            # What a lost answer left behind shows only now.
            await self._desk.sleep(_PAUSE_S)
            found = await look(self._desk, self._wish)
            after = tuple(plan_removals(plan.kind, found, self._files.hold(), self._now()))
        for change in after:
            await self._send(change)
        return Registered(
            self._known["client_id"],
            self._changed,
            tuple(plan.roles),
            plan.kind,
            self._refusal,
        )

    async def _converge(self) -> tuple[Plan, bool]:
        """Look and change until nothing is left to do; say whether answers were lost on the way."""
        losses = 0
        while True:
            plan, held = await self._plan(await self._look())
            if needs_key(plan.kind, held, self._now()):
                self._files.make_key(self._make)
                self._files.hold()
                self._say(f"Made a key with its certificate: {self._files.key_file}")
            try:
                again = await self._make_changes(plan.before)
            except (NetworkError, GraphError) as error:
                if not _is_lost(error) or losses == _LOSSES:
                    raise
                losses += 1
                again = True
                self._say("An answer was lost; looking what became of the request.")
            if not again:
                return plan, bool(losses)
            await self._desk.sleep(_PAUSE_S if losses else 1.0)

    async def _look(self) -> Found:
        """Look, and once more where an earlier run knew better: a copy may only lag behind."""
        found = await look(self._desk, self._wish)
        if is_contradicted(found, self._files.hold()):
            await self._desk.sleep(_PAUSE_S)
            found = await look(self._desk, self._wish)
        return found

    async def _plan(self, found: Found) -> tuple[Plan, Held]:
        held = self._files.hold()
        self._learn(found)
        return plan_changes(self._wish, found, held, self._now()), held

    async def _make_changes(self, changes: Iterable[Change]) -> bool:
        """Send one after the other; say whether what there is has to be looked at again."""
        for change in changes:
            if change.words in self._refused:
                continue
            await self._send(change)
            if change.again:
                return True
        return False

    async def _send(self, change: Change) -> None:
        self._say(change.words)
        if change.body is not None and "keyCredentials" in change.body:
            der = self._files.certificate if self._files.has_key else b""
            self._known["certificate"] = base64.b64encode(der).decode()
        try:
            answer = await self._desk.send(change, self._known)
        except GraphError as error:
            if error.case != "consent_reserved":
                raise
            self._refused.add(change.words)
            self._refusal = error
            self._say("  refused: only some administrators may.")
            return
        self._changed = True
        await self._note(change, answer)

    async def _note(self, change: Change, answer: Mapping[str, Any]) -> None:
        """Keep what an answer makes known; where it says nothing, ask."""
        if change.learns == "application":
            path = f"/applications(uniqueName='{self._wish.unique_name}')?$select=id,appId"
            shown = answer or await self._desk.get(path)
            self._known |= {"application": str(shown["id"]), "client_id": str(shown["appId"])}
        elif change.learns == "principal":
            path = f"/servicePrincipals(appId='{self._known['client_id']}')?$select=id"
            shown = answer or await self._desk.get(path)
            self._known["principal"] = str(shown["id"])
        elif change.learns == "secret":
            settings = {**self._describe(), "secret": answer["secretText"]}
            self._files.write(settings, str(answer["keyId"]))
            self._say(f"Wrote it to {self._files.path}")

    def _learn(self, found: Found) -> None:
        if found.application is not None:
            self._known["application"] = str(found.application["id"])
            self._known["client_id"] = str(found.application["appId"])
        if found.principal is not None:
            self._known["principal"] = str(found.principal["id"])

    def _write(self, plan: Plan) -> None:
        """The settings, but for a secret's, which were written when it was there."""
        held = self._files.hold()
        credential: dict[str, Any] = {}
        if plan.kind == "certificate":
            credential = {"private_key_file": self._files.key_file.name}
        elif plan.kind == "federated":
            platform = self._wish.trust.platform if self._wish.trust else None
            credential = {"federated": platform or self._files.values.get("federated")}
        else:
            credential = {"secret": self._files.values["secret"]}
        if self._files.write({**self._describe(), **credential}, held.key_id):
            self._changed = True
            self._say(f"Wrote the settings: {self._files.path}")

    def _describe(self) -> dict[str, Any]:
        """The settings but for the credential; an endpoint that people have chosen stays."""
        place = self._place
        values = {
            "authority": place.authority,
            "client_id": self._known["client_id"],
            "scope": list(place.scope),
            "endpoint": self._files.values.get("endpoint") or place.endpoint,
        }
        if place.ca_file is not None:
            values["ca_file"] = str(place.ca_file.absolute())
        return values


def _is_lost(error: Error) -> bool:
    """Whether the request may have been carried out although its answer was no success."""
    return error.code in ("graph_unavailable", "page_malformed", "connection_lost", "timed_out")
