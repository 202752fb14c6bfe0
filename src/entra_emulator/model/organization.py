"""
A tenant as Graph's `organization` and `domain` objects. Pure.

Keys and their order of a domain are recorded (Azure CLI, 2022); those of an
organization are documented.
"""

from entra_emulator.clock import format_iso
from entra_emulator.model import schema
from entra_emulator.model.records import Record, Tenant


def draft_organization(tenant: Tenant) -> Record:
    """The tenant as `GET /organization` shows it."""
    record: Record = {"id": tenant.id, "deletedDateTime": None}
    names = (name for name in schema.declared("organization") if name not in record)
    record |= {name: schema.blank("organization", name) for name in names}
    record |= {
        "countryLetterCode": "NL",
        "createdDateTime": format_iso(tenant.created),
        "displayName": tenant.display_name,
        "preferredLanguage": "en",
        "technicalNotificationMails": [f"admin@{tenant.domains[0]}"],
        "tenantType": "AAD",
        "verifiedDomains": [_verify(tenant, name) for name in tenant.domains],
    }
    return record


def draft_domain(tenant: Tenant, name: str) -> Record:
    """One of the tenant's verified domains."""
    return draft_claim(name) | {
        "isDefault": name == _default(tenant),
        "isInitial": name == tenant.domains[0],
        "isVerified": True,
        "supportedServices": ["Email", "OfficeCommunicationsOnline"],
        # The greatest 32-bit number: passwords do not expire.
        "passwordValidityPeriodInDays": 2147483647,
        "passwordNotificationWindowInDays": 14,
    }


def draft_claim(name: str) -> Record:
    """A domain that a tenant has named and not yet proved to be its own."""
    return {
        "authenticationType": "Managed",
        "availabilityStatus": None,
        "id": name,
        "isAdminManaged": True,
        "isDefault": False,
        "isInitial": False,
        "isRoot": True,
        "isVerified": False,
        "supportedServices": [],
        "passwordValidityPeriodInDays": None,
        "passwordNotificationWindowInDays": None,
        "state": None,
    }


def _verify(tenant: Tenant, name: str) -> Record:
    return {
        "capabilities": "Email, OfficeCommunicationsOnline",
        "isDefault": name == _default(tenant),
        "isInitial": name == tenant.domains[0],
        "name": name,
        "type": "Managed",
    }


def _default(tenant: Tenant) -> str:
    """The domain new users get: the last one that was added."""
    return tenant.domains[-1]
