"""
The products (SKUs) that a tenant can buy, and the service plans in them. Pure.

Names and IDs from "Product names and service plan identifiers for licensing";
of each product's plans only the best known are here.
"""

import base64
from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from entra_emulator.model.records import Record, Tenant


class ServicePlan(NamedTuple):
    """A service plan: its GUID, its name, and the service that `assignedPlans` calls it by."""

    id: str
    name: str
    service: str


class Sku(NamedTuple):
    """
    A product.

    Args:
        id: its GUID, the `skuId`.
        name: its `skuPartNumber`.
        plans: what is in it.
        free: it costs nothing, and there are units for everybody.
    """

    id: str
    name: str
    plans: tuple[ServicePlan, ...]
    free: bool = False


_EXCHANGE = ServicePlan("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE", "exchange")
_KIOSK = ServicePlan("4a82b400-a79f-41a4-b4e2-e94f5787b113", "EXCHANGE_S_DESKLESS", "exchange")
_DIRECTORY = ServicePlan(
    "eec0eb4f-6444-4f95-aba0-50c24d67f998", "AAD_PREMIUM_P2", "AADPremiumService"
)
_FLOW = ServicePlan("50e68c76-46c6-4674-81f9-75456511b170", "FLOW_P2_VIRAL", "ProcessSimple")
_REPORTS = ServicePlan("2049e525-b859-401b-b2a0-e0a31c4b1fe4", "BI_AZURE_P0", "PowerBI")

SKUS = (
    Sku("06ebc4ee-1bb5-47dd-8120-11324bc54e06", "SPE_E5", (_EXCHANGE, _DIRECTORY)),
    Sku("05e9a617-0261-4cee-bb44-138d3ef5d965", "SPE_E3", (_EXCHANGE,)),
    Sku("66b55226-6b4f-492c-910c-a3b7a3c9d993", "SPE_F1", (_KIOSK,)),
    Sku("84a661c4-e949-4bd2-a560-ed7766fcaf2b", "AAD_PREMIUM_P2", (_DIRECTORY,)),
    Sku("f30db892-07e9-47e9-837c-80727f46fd3d", "FLOW_FREE", (_FLOW,), free=True),
    Sku("a403ebcc-fae0-4ca2-8c8c-7a907fd6c235", "POWER_BI_STANDARD", (_REPORTS,), free=True),
)

# The service plans Microsoft Entra ID P1 (AAD_PREMIUM) and P2, which bring what is not free.
PREMIUM = frozenset({"41781fb2-bc02-4b7c-bd55-b576c07bb09d", _DIRECTORY.id})

BY_ID = {sku.id: sku for sku in SKUS}


def draft_sku(tenant: Tenant, sku: Sku, *, enabled: int, consumed: int) -> Record:
    """A `subscribedSku`: the documented keys, complex ones last as in every recorded object."""
    return {
        "accountName": tenant.display_name,
        "accountId": tenant.id,
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": consumed,
        "id": f"{tenant.id}_{sku.id}",
        "skuId": sku.id,
        "skuPartNumber": sku.name,
        "subscriptionIds": [],
        "prepaidUnits": {"enabled": enabled, "suspended": 0, "warning": 0, "lockedOut": 0},
        "servicePlans": [_draft_plan(plan, "Success") for plan in sku.plans],
    }


def draft_details(tenant_id: str, sku: Sku, disabled: Collection[str]) -> Record:
    """A `licenseDetails` of a user who does not have the `disabled` plans."""
    # In the documented example the second half is the skuId; the first half is not the user's ID.
    halves = UUID(tenant_id).bytes_le + UUID(sku.id).bytes_le
    return {
        "id": base64.urlsafe_b64encode(halves).rstrip(b"=").decode(),
        "skuId": sku.id,
        "skuPartNumber": sku.name,
        "servicePlans": [
            _draft_plan(plan, "Disabled" if plan.id in disabled else "Success")
            for plan in sku.plans
        ],
    }


def draft_plans(licenses: Iterable[Record], moment: str) -> list[Record]:
    """The `assignedPlans` that these `assignedLicenses` bring, each plan once."""
    plans: dict[str, Record] = {}
    for assigned in licenses:
        sku = BY_ID.get(assigned["skuId"])
        for plan in sku.plans if sku else ():
            if plan.id not in assigned["disabledPlans"]:
                plans[plan.id] = {
                    "assignedDateTime": moment,
                    "capabilityStatus": "Enabled",
                    "service": plan.service,
                    "servicePlanId": plan.id,
                }
    return list(plans.values())


def _draft_plan(plan: ServicePlan, status: str) -> Record:
    return {
        "servicePlanId": plan.id,
        "servicePlanName": plan.name,
        "provisioningStatus": status,
        "appliesTo": "User",
    }
