"""Domains that a tenant names as its own; proving that they are is not emulated."""

import re

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing, answer_record
from entra_emulator.graph.call import Call
from entra_emulator.graph.write.body import read_payload
from entra_emulator.graph.write.validate import read_properties, require
from entra_emulator.model.organization import draft_claim

_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


def create_domain(call: Call) -> Response:
    """`POST /domains`: a domain that is not verified yet."""
    values = read_properties("domain", read_payload(call), creating=True).values
    require("domain", values)
    name = values["id"].lower()
    if not _NAME.fullmatch(name):
        raise deny("value_invalid", name="id", resource="Domain", target="id")
    with call.directory.transaction():
        taken = call.directory.tenants.find(name) is not None
        if taken or name in call.directory.tenants.list_claims(call.tenant):
            raise deny("domain_present", name=name, target="id")
        call.directory.tenants.claim_domain(call.tenant, name)
    location = f"https://graph.microsoft.com/v2/{call.tenant.id}/domains/{name}"
    record = draft_claim(name)
    return answer_record(call, "domain", "domains", record, status=201, location=location)


def remove_domain(call: Call) -> Response:
    """`DELETE /domains/{name}`: only what is not verified goes."""
    name = call.keys["key"].lower()
    with call.directory.transaction():
        if name in call.directory.tenants.list_claims(call.tenant):
            call.directory.tenants.disclaim_domain(call.tenant, name)
            return answer_nothing(call)
    if name in call.tenant.domains:
        raise deny("domain_verified", name=name)
    raise deny("object_missing", key=call.keys["key"])
