"""
Logs every change that is requested from Graph, including the requests of the portal.

What a request changed is read from the directory's journal. Changes that are not in the journal,
such as those of grants, are named by the request. A request that is refused after its permissions
were checked is logged as a failure; one that is refused before is not logged.
"""

from collections.abc import Iterator

from starlette.responses import Response

from entra_emulator.directory.changes import Change
from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.audit_logs.activities import ActivityName, name_change, name_route
from entra_emulator.graph.audit_logs.activity_targets import (
    describe_changed,
    describe_linked,
    describe_row,
)
from entra_emulator.graph.call import Call
from entra_emulator.graph.router import Endpoint
from entra_emulator.model.records import Record
from entra_emulator.web.activity_record import (
    describe_app_initiator,
    describe_user_initiator,
    note_activity,
)

# The most activities of one request, which is more than the objects that it can name.
MOST = 100


def answer_logged(endpoint: Endpoint, call: Call) -> Response:
    """
    The answer of the endpoint, after the change or the failure was logged.

    Raises:
        GraphRefusal: the endpoint refuses.
    """
    with call.directory.changes.collecting() as changes:
        try:
            response = endpoint.answer(call)
        except GraphRefusal as refusal:
            if not refusal.gateway:
                _note_request(call, endpoint, "failure", refusal.message)
            raise
    assert isinstance(response, Response), "no endpoint that writes is a coroutine"
    named = [entry for change in changes[:MOST] for entry in _describe(call, change)]
    for activity, targets in named:
        _note(call, activity, targets)
    if not named and response.status_code < 400:
        _note_request(call, endpoint, "success", "")
    return response


def _describe(call: Call, change: Change) -> Iterator[tuple[ActivityName, list[Record]]]:
    """The activities that describe a change, each with its targets."""
    if change.what in {"linked", "unlinked"}:
        targets = describe_linked(call, change)
        if not _follows_rule(call, change):
            yield name_change(change.kind, change.what, change.names)[0], targets
        return
    record, targets = describe_changed(call, change)
    enabled = record.get("accountEnabled")
    for activity in name_change(change.kind, change.what, change.names, enabled=enabled):
        yield activity, targets


def _follows_rule(call: Call, change: Change) -> bool:
    """Whether the directory itself chose the member, by a rule."""
    record, _ = describe_changed(call, change)
    dynamic = "DynamicMembership" in record.get("groupTypes", ())
    return change.names == ("members",) and (dynamic or record.get("membershipType") == "Dynamic")


def _note_request(call: Call, endpoint: Endpoint, result: str, reason: str) -> None:
    """Log an activity that is known only by its request."""
    key = call.keys.get("key")
    row = call.directory.objects.find(call.tenant, key) if key else None
    targets = [describe_row(row)] if row is not None else []
    activity = name_route(endpoint.method, endpoint.path)
    if activity.text == "Update user" and isinstance(call.body, dict):
        # No document contains a password: setting it twice within a second changes no document.
        resets = "passwordProfile" in call.body
        names = ("lastPasswordChangeDateTime",) if resets else ()
        activity = name_change("user", "updated", names)[0]
    _note(call, activity, targets, result, reason)


def _note(
    call: Call,
    activity: ActivityName,
    targets: list[Record],
    result: str = "success",
    reason: str = "",
) -> None:
    caller, request = call.caller, call.request
    if caller.delegated:
        initiator = describe_user_initiator(request, caller.tenant, caller.object_id)
    else:
        names = (caller.app_id, caller.object_id)
        initiator = describe_app_initiator(request, caller.tenant, *names)
    entry = {
        "category": activity.category,
        "result": result,
        "resultReason": reason,
        "activityDisplayName": activity.text,
        "operationType": activity.operation,
        "initiatedBy": initiator,
        "targetResources": targets,
    }
    note_activity(request, call.tenant, entry)
