"""The tenant itself: `/organization`, `/domains`, `/subscribedSkus`."""

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_record, answer_records
from entra_emulator.graph.call import Call
from entra_emulator.model.organization import draft_claim, draft_domain, draft_organization


def list_organizations(call: Call) -> Response:
    """`GET /organization`: the caller's own tenant, alone in a list."""
    return answer_records(call, "organization", "organization", [draft_organization(call.tenant)])


def show_organization(call: Call) -> Response:
    """`GET /organization/{id}`."""
    if call.keys["key"].lower() != call.tenant.id:
        raise deny("object_missing", key=call.keys["key"])
    return answer_record(call, "organization", "organization", draft_organization(call.tenant))


def list_domains(call: Call) -> Response:
    """`GET /domains`: the verified domains, the initial one first, then others."""
    records = [draft_domain(call.tenant, name) for name in call.tenant.domains]
    records += map(draft_claim, call.directory.tenants.list_claims(call.tenant))
    return answer_records(call, "domain", "domains", records)


def show_domain(call: Call) -> Response:
    """`GET /domains/{name}`."""
    name = call.keys["key"].lower()
    if name in call.directory.tenants.list_claims(call.tenant):
        return answer_record(call, "domain", "domains", draft_claim(name))
    if name not in call.tenant.domains:
        raise deny("object_missing", key=call.keys["key"])
    return answer_record(call, "domain", "domains", draft_domain(call.tenant, name))


def list_skus(call: Call) -> Response:
    """`GET /subscribedSkus`: what the tenant has bought."""
    records = call.directory.licences.list_skus(call.tenant)
    return answer_records(call, "subscribedSku", "subscribedSkus", records)


def show_sku(call: Call) -> Response:
    """`GET /subscribedSkus/{tenantId_skuId}`."""
    for record in call.directory.licences.list_skus(call.tenant):
        if record["id"] == call.keys["key"].lower():
            return answer_record(call, "subscribedSku", "subscribedSkus", record)
    raise deny("object_missing", key=call.keys["key"])
