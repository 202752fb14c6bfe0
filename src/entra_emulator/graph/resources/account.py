"""What is done to a user's account: `revokeSignInSessions`."""

from starlette.responses import Response

from entra_emulator.clock import format_iso
from entra_emulator.graph.answer import answer_value
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_target, read_record


def revoke_sessions(call: Call) -> Response:
    """`POST /users/{id}/revokeSignInSessions`: make refresh tokens and sessions worthless."""
    return _revoke(call, call.keys["key"])


def revoke_my_sessions(call: Call) -> Response:
    """`POST /me/revokeSignInSessions`."""
    return _revoke(call, call.caller.object_id)


def _revoke(call: Call, key: str) -> Response:
    with call.directory.transaction():
        user = read_record(find_target(call, "user", key))["id"]
        moment = {"signInSessionsValidFromDateTime": format_iso(call.now)}
        call.directory.objects.update(call.tenant, "user", user, moment)
        call.directory.users.revoke_sign_ins(call.tenant, user)
    return answer_value(call, "Edm.Boolean", value=True)
