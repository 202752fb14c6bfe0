"""
The tenant itself: `/organization`, `/domains`, `/subscribedSkus`.

Proving that a domain is the tenant's own is not emulated.
"""

import re

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing, answer_record, locate
from entra_emulator.graph.call import Call
from entra_emulator.graph.object_collection import declare_records
from entra_emulator.graph.objects.create import read_new
from entra_emulator.graph.router import write_route
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.graph.write.validate import refuse_value
from entra_emulator.model.organization import draft_claim, draft_domain, draft_organization
from entra_emulator.model.records import Record

# A label of a domain has up to 63 characters (RFC 1035).
_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")

_DOMAIN = Rule(
    "domain",
    fixed=split_names(
        "availabilityStatus isAdminManaged isDefault isInitial isRoot isVerified state "
        "supportedServices passwordNotificationWindowInDays passwordValidityPeriodInDays "
        "authenticationType"
    ),
    required=("id",),
    lengths={"id": 255},
)


def _list_domains(call: Call) -> list[Record]:
    """The verified domains, the initial one first, then those that are not verified."""
    verified = [draft_domain(call.tenant, name) for name in call.tenant.domains]
    return [*verified, *map(draft_claim, call.directory.tenants.list_claims(call.tenant))]


def create_domain(call: Call) -> Response:
    """`POST /domains`: a domain that is not verified yet."""
    name = read_new(call, _DOMAIN).values["id"].lower()
    if not _NAME.fullmatch(name):
        raise refuse_value("domain", "id")
    with call.directory.transaction():
        taken = call.directory.tenants.find(name) is not None
        if taken or name in call.directory.tenants.list_claims(call.tenant):
            raise deny("domain_present", name=name, target="id")
        call.directory.tenants.claim_domain(call.tenant, name)
    record, location = draft_claim(name), locate(call, f"domains/{name}")
    return answer_record(call, "domain", "domains", record, status=201, location=location)


def remove_domain(call: Call) -> Response:
    """`DELETE /domains/{name}`: remove a domain, unless it is verified."""
    name = call.keys["key"].lower()
    with call.directory.transaction():
        if name in call.directory.tenants.list_claims(call.tenant):
            call.directory.tenants.disclaim_domain(call.tenant, name)
            return answer_nothing(call)
    if name in call.tenant.domains:
        raise deny("domain_verified", name=name)
    raise deny("object_missing", key=call.keys["key"])


def _list_skus(call: Call) -> list[Record]:
    return call.directory.licences.list_skus(call.tenant)


SETS = {"domains": "domain", "organization": "organization", "subscribedSkus": "subscribedSku"}
ROUTES = (
    *declare_records("organization", "organization", lambda c: [draft_organization(c.tenant)]),
    *declare_records("domains", "domain", _list_domains),
    write_route("POST", "/domains", create_domain),
    write_route("DELETE", "/domains/{key}", remove_domain),
    *declare_records("subscribedSkus", "subscribedSku", _list_skus),
)
