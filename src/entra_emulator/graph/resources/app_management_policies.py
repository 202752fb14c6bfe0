"""App management policies: `/policies/appManagementPolicies`, and the tenant's default one."""

from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote, urlsplit

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing, answer_record, answer_records, locate
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_object, find_target, read_record
from entra_emulator.graph.objects.relations import RecordNavigation, enter_records
from entra_emulator.graph.router import Endpoint, write_route
from entra_emulator.graph.write.app_policies import read_default_policy
from entra_emulator.graph.write.body import read_payload
from entra_emulator.graph.write.merge import merge_values
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.graph.write.validate import check_echoed, read_properties
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record

_DEFAULT, _KIND = "tenantAppManagementPolicy", "appManagementPolicy"
_DEFAULT_PATH, _SET = "policies/defaultAppManagementPolicy", "policies/appManagementPolicies"
_HOLDERS = ("application", "servicePrincipal")

_LENGTHS = {"description": 1024, "displayName": 256}
_DEFAULT_RULE = Rule(_DEFAULT, fixed=split_names("id"), lengths=_LENGTHS)
_RULE = Rule(_KIND, fixed=split_names("id"), lengths=_LENGTHS)

# What beta's policies can restrict besides, and the emulator does not check.
_UNCHECKED = ("audiences", "redirectUris")


def show_default(call: Call) -> Response:
    """`GET /policies/defaultAppManagementPolicy`."""
    return answer_record(call, _DEFAULT, _DEFAULT_PATH, _show_default(call))


def change_default(call: Call) -> Response:
    """`PATCH /policies/defaultAppManagementPolicy`; what is not sent stays as it is."""
    body = read_payload(call)
    with call.directory.transaction():
        policy = read_default_policy(call)
        changes = _read(body, _DEFAULT_RULE, policy, creating=False)
        call.directory.app_management_policies.keep(call.tenant, policy | changes)
    return answer_nothing(call)


def list_policies(call: Call) -> Response:
    """`GET /policies/appManagementPolicies`."""
    policies = call.directory.app_management_policies.list_all(call.tenant)
    return answer_records(call, _KIND, _SET, policies)


def show_policy(call: Call) -> Response:
    """`GET /policies/appManagementPolicies/{id}`."""
    return answer_record(call, _KIND, _SET, _find(call, call.keys["policy"]))


def create_policy(call: Call) -> Response:
    """`POST /policies/appManagementPolicies`."""
    values = _read(read_payload(call), _RULE, {}, creating=True)
    policy = call.directory.app_management_policies.add(call.tenant, values)
    location = locate(call, f"appManagementPolicies/{policy['id']}")
    return answer_record(call, _KIND, _SET, policy, status=201, location=location)


def change_policy(call: Call) -> Response:
    """`PATCH /policies/appManagementPolicies/{id}`."""
    body = read_payload(call)
    with call.directory.transaction():
        policy = _find(call, call.keys["policy"])
        changes = _read(body, _RULE, policy, creating=False)
        call.directory.app_management_policies.keep(call.tenant, policy | changes)
    return answer_nothing(call)


def remove_policy(call: Call) -> Response:
    """`DELETE /policies/appManagementPolicies/{id}`."""
    with call.directory.transaction():
        policy = _find(call, call.keys["policy"])
        call.directory.app_management_policies.remove(call.tenant, policy)
    return answer_nothing(call)


def list_applies_to(call: Call) -> Response:
    """`GET /policies/appManagementPolicies/{id}/appliesTo`: applications, service principals."""
    policy = _find(call, call.keys["policy"])
    holders = call.directory.app_management_policies.list_holders(call.tenant, policy)
    rows = [call.directory.objects.find(call.tenant, object_id) for object_id in holders]
    records = [
        {"@odata.type": f"#microsoft.graph.{row.kind}"} | read_record(row) for row in rows if row
    ]
    return answer_records(call, "directoryObject", "directoryObjects", records)


def list_assigned(call: Call, *, kind: str) -> Response:
    """`GET /applications/{id}/appManagementPolicies`: the one policy, if there is one."""
    record = read_record(find_object(call, kind, call.keys["key"]))
    return answer_records(call, _KIND, _SET, _read_assigned(call, record))


def assign_policy(call: Call, *, kind: str) -> Response:
    """`POST /applications/{id}/appManagementPolicies/$ref`."""
    policy_id = _read_reference(call)
    with call.directory.transaction():
        record = read_record(find_target(call, kind))
        policy = _find(call, policy_id)
        try:
            call.directory.app_management_policies.assign(call.tenant, record["id"], policy)
        except ValueError as error:
            raise deny("policy_present") from error
    return answer_nothing(call)


def unassign_policy(call: Call, *, kind: str) -> Response:
    """`DELETE /applications/{id}/appManagementPolicies/{id}/$ref`."""
    key = call.keys["policy"]
    with call.directory.transaction():
        record = read_record(find_target(call, kind))
        policies = call.directory.app_management_policies
        if not policies.unassign(call.tenant, record["id"], key):
            raise deny("object_missing", key=key)
    return answer_nothing(call)


def _show_default(call: Call) -> Record:
    policy = read_default_policy(call)
    if call.version == "v1.0":
        return policy
    restrictions = {"audiences": None} | (policy["applicationRestrictions"] or {})
    return policy | {"applicationRestrictions": restrictions}


def _find(call: Call, key: str) -> Record:
    policy = call.directory.app_management_policies.find(call.tenant, key)
    if policy is None:
        raise deny("object_missing", key=key)
    return policy


def _read(body: Record, rule: Rule, policy: Record, *, creating: bool) -> Record:
    """The properties of a policy that were sent, each as it is afterwards."""
    read = read_properties(rule, _drop_unchecked(body), creating=creating)
    check_echoed(rule.kind, policy, read)
    merged = merge_values(rule.kind, policy, read.values)
    for restrictions in _list_restrictions(merged):
        for name in ("passwordCredentials", "keyCredentials"):
            _check_entries(name, restrictions.get(name) or [])
    return merged


def _check_entries(name: str, entries: list[Record]) -> None:
    # "Each value of restrictionType can be used only once per policy."
    if len({entry["restrictionType"] for entry in entries}) < len(entries):
        raise deny("values_repeated")
    kind = "KeyCredentialConfiguration" if name[0] == "k" else "PasswordCredentialConfiguration"
    for entry in entries:
        if entry["restrictionType"].endswith("Lifetime") and entry["maxLifetime"] is None:
            raise deny("value_missing", name="maxLifetime", resource=kind)


def _drop_unchecked(body: Record) -> Record:
    """The body without empty restrictions of beta's; 501 where they would restrict something."""
    kept = dict(body)
    for name, value in body.items():
        if not isinstance(value, dict):
            continue
        for unchecked in _UNCHECKED:
            if value.get(unchecked) is not None:
                raise deny("not_emulated", what=f"restrictions of {unchecked}")
        keys = value.get("keyCredentials")
        for entry in keys if isinstance(keys, list) else ():
            if (
                isinstance(entry, dict)
                and entry.get("restrictionType") == "trustedCertificateAuthority"
            ):
                raise deny("not_emulated", what="restrictions to trusted certificate authorities")
        dropped = {key: part for key, part in value.items() if key not in _UNCHECKED}
        nested = isinstance(dropped.get("applicationRestrictions"), dict)
        kept[name] = _drop_unchecked(dropped) if nested else dropped
    return kept


def _list_restrictions(values: Record) -> Iterator[Record]:
    for name in ("restrictions", "applicationRestrictions", "servicePrincipalRestrictions"):
        if values.get(name):
            yield values[name]


def _read_reference(call: Call) -> str:
    """The ID of the policy that an `@odata.id` names, whatever host and version it names."""
    address = read_payload(call).get("@odata.id")
    if not isinstance(address, str):
        raise deny("reference_malformed")
    try:
        segments = [unquote(part) for part in urlsplit(address).path.split("/") if part]
    except ValueError as error:
        raise deny("reference_malformed") from error
    if len(segments) < 2 or segments[-2].lower() != "appmanagementpolicies":
        raise deny("reference_malformed")
    return segments[-1]


def _read_assigned(call: Call, record: Record) -> list[Record]:
    policy = call.directory.app_management_policies.find_assigned(call.tenant, record["id"])
    return [policy] if policy else []


enter_records(
    *(
        RecordNavigation(kind, "appManagementPolicies", _KIND, _read_assigned, contained=False)
        for kind in _HOLDERS
    )
)


def _list_routes() -> Iterator[Endpoint]:
    yield Endpoint("GET", f"/{_DEFAULT_PATH}", show_default)
    yield write_route("PATCH", f"/{_DEFAULT_PATH}", change_default)
    yield Endpoint("GET", f"/{_SET}", list_policies)
    yield Endpoint("GET", f"/{_SET}/$count", list_policies)
    yield write_route("POST", f"/{_SET}", create_policy)
    yield Endpoint("GET", f"/{_SET}/{{policy}}", show_policy)
    yield write_route("PATCH", f"/{_SET}/{{policy}}", change_policy)
    yield write_route("DELETE", f"/{_SET}/{{policy}}", remove_policy)
    yield Endpoint("GET", f"/{_SET}/{{policy}}/appliesTo", list_applies_to)
    for kind in _HOLDERS:
        path = f"/{KINDS[kind].collection}/{{key}}/appManagementPolicies"
        yield Endpoint("GET", path, partial(list_assigned, kind=kind))
        yield write_route("POST", f"{path}/$ref", partial(assign_policy, kind=kind))
        yield write_route("DELETE", f"{path}/{{policy}}/$ref", partial(unassign_policy, kind=kind))


ROUTES = tuple(_list_routes())
