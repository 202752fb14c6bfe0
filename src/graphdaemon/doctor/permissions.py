"""What the app may do: its roles against what the calls accept, and the calls themselves."""

from typing import NamedTuple
from urllib.parse import urlsplit

from graphdaemon.auth.client_credential import WARN_BEFORE_S
from graphdaemon.auth.token import Demand
from graphdaemon.diagnosis.advice import advise
from graphdaemon.diagnosis.graph_refusals import choose_role
from graphdaemon.diagnosis.permissions import Call, Need, find_excess
from graphdaemon.diagnosis.token_claims import is_for_graph, read_roles, read_time
from graphdaemon.doctor.finding import Finding, fail, fail_with, ok, skip, warn
from graphdaemon.doctor.registration import read_registration
from graphdaemon.doctor.state import Examination
from graphdaemon.errors import GraphError, NetworkError
from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.refused import explain
from graphdaemon.http.response import Response

# A token that is older than this came from a cache: roles granted since then are not in it.
_FRESH_S = 5.0


class CallNeed(NamedTuple):
    """A call, what it accepts, and the role to ask for."""

    call: Call
    need: Need
    role: str


def check_registration(examination: Examination) -> Finding:
    """Read what the directory says of the app, if the app may."""
    if not is_for_graph(examination.claims.get("aud")):
        return skip("the token is not for Graph, which keeps the registration")
    registration = read_registration(examination)
    if registration is None:
        return skip(
            "the app may not read its own registration, and need not: only Application.Read.All "
            "and broader roles can"
        )
    examination.registration = registration
    words, granted = registration.describe(examination.now()), list(registration.granted)
    uses_secret = any(one.kind == "secret" for one in examination.settings.credentials)
    if uses_secret and registration.ends_within(WARN_BEFORE_S, examination.now()):
        return warn(words, advise("secret_ending", examination.values), granted=granted)
    return ok(words, granted=granted)


def check_roles(examination: Examination) -> Finding:
    """Compare the token's roles with what the calls need."""
    roles = read_roles(examination.claims)
    if not examination.claims:
        return skip("the token cannot be read")
    if not is_for_graph(examination.claims.get("aud")):
        held = ", ".join(roles) or "none"
        return skip(f"what this API asks for, it alone knows; the token has roles: {held}")
    wanted = _list_wanted(examination)
    if not wanted:
        return skip("the table of permissions does not know the call")
    unmet = _first_unmet(wanted, roles)
    if unmet is None:
        return _weigh_excess(wanted, roles)
    if _renew(examination):
        roles = read_roles(examination.claims)
        if _first_unmet(wanted, roles) is None:
            words = f"the token at hand lacked {unmet.role}; a new one has it"
            return warn(words, advise("token_older", examination.values), roles=list(roles))
    return _judge(examination, unmet, roles)


def check_call(examination: Examination, call: Call) -> Finding:
    """Make the call, if it changes nothing."""
    if call.method != "GET":
        return skip(f"{call.method} would change something: the roles are looked at, no more")
    response = _try(examination, call)
    path = urlsplit(examination.address(call.path)).path
    if response.status < 300:
        return ok(f"GET {path}: {response.status}", status=response.status)
    return fail_with(_explain(examination, call, response))


def _list_wanted(examination: Examination) -> list[CallNeed]:
    wanted = []
    for call in examination.calls:
        need = examination.find_need(call)
        if need is not None:
            role = choose_role(need, _preferred(examination, call))
            wanted.append(CallNeed(call, need, role or need.least))
    return wanted


def _preferred(examination: Examination, call: Call) -> str | None:
    """The role that the commands name: the least that shows every property."""
    steps = urlsplit(examination.address(call.path)).path.strip("/").split("/")[1:]
    row = CATALOG.get(steps[0]) if steps and call.method == "GET" else None
    return row.role if row else None


def _first_unmet(wanted: list[CallNeed], roles: tuple[str, ...]) -> CallNeed | None:
    return next((one for one in wanted if not one.need.is_met(roles)), None)


def _weigh_excess(wanted: list[CallNeed], roles: tuple[str, ...]) -> Finding:
    opened = []
    for one in wanted:
        using = next(name for name in one.need.accepted if name in roles)
        also = f" (with {', '.join(one.need.also)})" if one.need.also else ""
        least = "" if using == one.need.least else f", where {one.need.least} is the least"
        opened.append(f"{using} opens {one.need.call}{also}{least}")
    words = "; ".join(opened)
    excess = find_excess(roles, [one.need for one in wanted])
    if all(one.call.method == "GET" for one in wanted):
        excess += [role for role in roles if "Write" in role and role not in excess]
    details = {"roles": list(roles), "excess": excess, "least": [one.need.least for one in wanted]}
    if not excess:
        return ok(words, **details)
    words = f"{words}; more than that needs: {', '.join(excess)}"
    return warn(words, advise("roles_excessive"), **details)


def _renew(examination: Examination) -> bool:
    """Get a new token in place of one that was kept; False if it was new already."""
    issued = read_time(examination.claims, "iat")
    if issued is None or issued > examination.started - _FRESH_S:
        return False
    examination.fetch_token(Demand(examination.token))
    return True


def _judge(examination: Examination, unmet: CallNeed, roles: tuple[str, ...]) -> Finding:
    """Roles do not suffice by the table; Graph has the last word, the registration the reason."""
    if _is_allowed(examination, unmet.call):
        return ok(
            f"Graph allows {unmet.need.call} with {', '.join(roles)}, whatever the table says"
        )
    case = "permission_missing" if roles else "roles_absent"
    registration = examination.registration
    if registration is not None:
        case = registration.find_cause(unmet.need, unmet.role) or case
    held = ", ".join(roles) or "none"
    words = f"{unmet.need.call} needs {unmet.role}; the token has: {held}"
    values = examination.values | {"role": unmet.role}
    return fail(
        words,
        advise(case, values),
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
    except NetworkError:
        return False


def _try(examination: Examination, call: Call) -> Response:
    """Ask for as little as shows whether it is allowed."""
    if "?" not in call.path and call.path.rstrip("/").rsplit("/", 1)[-1] in CATALOG:
        call = call._replace(path=f"{call.path}?$top=1&$select=id")
    return examination.ask(call)


def _explain(examination: Examination, call: Call, response: Response) -> GraphError:
    assert examination.token is not None, "it was sent along"
    return explain(
        response,
        examination.address(call.path),
        needs=_preferred(examination, call),
        consent_url=examination.settings.consent_url,
        token=examination.token.value,
    )
