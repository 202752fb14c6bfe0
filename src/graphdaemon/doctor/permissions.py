"""The checks of what the app may do: its registration, the token's roles, and the calls."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from graphdaemon.auth.client_credential import WARN_BEFORE_S
from graphdaemon.auth.token import Demand
from graphdaemon.cloud import is_for_graph
from graphdaemon.diagnosis.advice import advise
from graphdaemon.diagnosis.permissions import Call, Need, find_excess, find_need
from graphdaemon.diagnosis.token_claims import read_roles, read_time
from graphdaemon.doctor.finding import Finding, fail, fail_with, ok, skip, warn
from graphdaemon.doctor.registration import AppRegistration, parse_registration
from graphdaemon.doctor.state import Examination
from graphdaemon.errors import GraphError, NetworkError
from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.query import takes_top
from graphdaemon.graph.refused import explain
from graphdaemon.http.response import Response
from graphdaemon.received.json import decode_object

# A token issued longer ago than this came from a cache, without the roles granted since then.
_FRESH_S = 5.0


class CallNeed(NamedTuple):
    """A call, and what Graph accepts for it."""

    call: Call
    need: Need


def check_registration(examination: Examination) -> Finding:
    """Read what the directory says about the app, if the app may read that."""
    if not is_for_graph(examination.claims.get("aud")):
        return skip("the token is not for Graph, and only Graph can show the registration")
    registration = _read_registration(examination)
    if registration is None:
        return skip(
            "the app may not read its own registration, and need not: that takes "
            "Application.Read.All or a broader role"
        )
    examination.registration = registration
    words, granted = registration.describe(examination.now()), list(registration.granted)
    uses_secret = any(
        credential.kind == "secret" for credential in examination.settings.credentials
    )
    if uses_secret and registration.ends_within(WARN_BEFORE_S, examination.now()):
        return warn(words, advise("secret_ending", examination.values), granted=granted)
    return ok(words, granted=granted)


def check_roles(examination: Examination) -> Finding:
    """Compare the token's roles with what the calls need."""
    roles = read_roles(examination.claims)
    if not examination.claims:
        return skip("the token cannot be read")
    if not is_for_graph(examination.claims.get("aud")):
        names = ", ".join(roles) or "none"
        return skip(
            f"which roles this API requires, only the API knows; the token has roles: {names}"
        )
    call_needs = _list_call_needs(examination)
    if not call_needs:
        return skip("the table of permissions does not know the call")
    unmet = _first_unmet(call_needs, roles)
    if unmet is None:
        return _report_excess(call_needs, roles)
    # A token has the roles of the moment it was issued, and lives for an hour or more.
    if _renew(examination):
        roles = read_roles(examination.claims)
        if _first_unmet(call_needs, roles) is None:
            words = f"the cached token lacked {unmet.need.words}; a new one has it"
            return warn(words, advise("token_older", examination.values), roles=list(roles))
    return _report_unmet(examination, unmet, roles)


def check_call(examination: Examination, call: Call) -> Finding:
    """Make the call, if it changes nothing."""
    if call.method != "GET":
        return skip(f"{call.method} would change something, so only the roles are checked")
    response = _try(examination, call)
    address = examination.address(call.path)
    if response.status < 300:
        return ok(f"GET {urlsplit(address).path}: {response.status}", status=response.status)
    assert examination.token is not None, "it was sent along"
    return fail_with(
        explain(
            response,
            address,
            needs=None,
            consent_url=examination.settings.consent_url,
            token=examination.token.value,
        )
    )


def _read_registration(examination: Examination) -> AppRegistration | None:
    """The app's registration, if the token's roles allow the app to read it."""
    client_id = examination.settings.client_id
    key = f"appId='{client_id}'"
    path = f"/servicePrincipals({key})/appRoleAssignments"
    need = find_need("GET", path)
    if not client_id or need is None or not need.is_met(read_roles(examination.claims)):
        return None
    assignments = _get_object(examination, path)
    application = _get_object(
        examination, f"/applications({key})?$select=requiredResourceAccess,passwordCredentials"
    )
    return None if assignments is None else parse_registration(application or {}, assignments)


def _get_object(examination: Examination, path: str) -> Mapping[str, Any] | None:
    response = examination.ask(Call("GET", path))
    # A refusal is no finding here: the registration only helps to explain other findings.
    return decode_object(response.body) if response.status < 300 else None


def _list_call_needs(examination: Examination) -> list[CallNeed]:
    call_needs = []
    for call in examination.calls:
        need = examination.find_need(call)
        if need is not None:
            call_needs.append(CallNeed(call, need))
    return call_needs


def _first_unmet(call_needs: list[CallNeed], roles: tuple[str, ...]) -> CallNeed | None:
    return next((row for row in call_needs if not row.need.is_met(roles)), None)


def _report_excess(call_needs: list[CallNeed], roles: tuple[str, ...]) -> Finding:
    """The roles open every call: say which opens which, and warn of those that are too many."""
    needs = [row.need for row in call_needs]
    opened = []
    for need in needs:
        using = next(name for name in need.accepted if name in roles)
        partners = [name for name in need.also if name in roles and using == need.least]
        also = f" (with {partners[0]})" if partners else ""
        least = "" if using == need.least else f"; {need.least} would be enough"
        opened.append(f"{using} allows {need.call}{also}{least}")
    words = "; ".join(opened)
    excess = find_excess(roles, needs)
    # Graph accepts roles that may write for reading too; they are more than reading needs.
    if all(row.call.method == "GET" for row in call_needs):
        excess += [role for role in roles if "Write" in role and role not in excess]
    details = {"roles": list(roles), "excess": excess, "least": [need.least for need in needs]}
    if not excess:
        return ok(words, **details)
    words = f"{words}; more than that needs: {', '.join(excess)}"
    return warn(words, advise("roles_excessive"), **details)


def _renew(examination: Examination) -> bool:
    """Replace a token from a cache with a new one; False if the token was already new."""
    issued_at = read_time(examination.claims, "iat")
    if issued_at is None or issued_at > examination.started - _FRESH_S:
        return False
    examination.fetch_token(Demand(examination.token))
    return True


def _report_unmet(examination: Examination, unmet: CallNeed, roles: tuple[str, ...]) -> Finding:
    """According to the table, the roles are not enough: let Graph decide, and find the cause."""
    names = ", ".join(roles)
    # Microsoft's table is not always right: User.Read.All opens directoryObjects/getByIds for users
    # although the table does not say so (microsoft-graph-docs-contrib#8798).
    if _is_allowed(examination, unmet.call):
        return ok(f"Graph allows {unmet.need.call} with {names}, whatever the table says")
    case = "permission_missing" if roles else "roles_absent"
    if examination.registration is not None:
        case = examination.registration.find_cause(unmet.need)
    return fail(
        f"{unmet.need.call} needs {unmet.need.words}; the token has: {names or 'none'}",
        advise(case, examination.values | {"role": unmet.need.words}),
        GraphError.exit_code,
        roles=list(roles),
        accepted=list(unmet.need.accepted),
        least=unmet.need.least,
    )


def _is_allowed(examination: Examination, call: Call) -> bool:
    if call.method != "GET":
        return False
    try:
        return _try(examination, call).status < 300
    # The check of the call itself meets the same failure, and reports it.
    except NetworkError:
        return False


def _try(examination: Examination, call: Call) -> Response:
    """Make the call; of a collection, request only the ID of one record."""
    name = call.path.rstrip("/").rsplit("/", 1)[-1]
    if "?" not in call.path and name in CATALOG and takes_top(name):
        call = call._replace(path=f"{call.path}?$top=1&$select=id")
    return examination.ask(call)
