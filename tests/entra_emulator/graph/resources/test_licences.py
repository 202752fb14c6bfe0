import json
from collections.abc import Callable
from typing import Any

import pytest

from entra_emulator.model.products import SKUS
from tests.support.emulator_probe import Answer, App, Probe, register

E5, E3, F1, P2, FLOW, REPORTS = (sku.id for sku in SKUS)
NOBODY = "00000000-0000-4000-8000-000000000000"


class Shop:
    """An application that may give licences, and the users it gives them to."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.token = app.token()

    def get(self, path: str) -> Any:
        answer = self.app.get(f"/v1.0{path}", self.token)
        assert answer.status == 200, answer.body
        return answer.json()

    def assign(self, user: str, add: Any = (), remove: Any = ()) -> Answer:
        body = {"addLicenses": add, "removeLicenses": remove}
        return self.post(user, body)

    def post(self, user: str, body: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        content = json.dumps(body).encode()
        target = f"/v1.0/users/{user}/assignLicense"
        return self.app.probe.send("POST", target, headers=headers, body=content)

    def pick(self, *, licensed: bool, guest: bool = False) -> dict[str, Any]:
        names = "id,userPrincipalName,usageLocation,assignedLicenses,userType"
        users = self.get(f"/users?$top=999&$select={names}")["value"]
        chosen: dict[str, Any] = next(
            user
            for user in users
            if bool(user["assignedLicenses"]) == licensed and (user["userType"] == "Guest") == guest
        )
        return chosen

    def consumed(self) -> dict[str, int]:
        skus = self.get("/subscribedSkus")["value"]
        return {sku["skuId"]: sku["consumedUnits"] for sku in skus}

    def licenses(self, user: str) -> list[dict[str, Any]]:
        licences: list[dict[str, Any]] = self.get(f"/users/{user}?$select=assignedLicenses")[
            "assignedLicenses"
        ]
        return licences


@pytest.fixture
def shop(launch: Callable[..., Probe]) -> Shop:
    probe = launch(users=120)
    roles = ("User.ReadWrite.All", "Organization.Read.All", "Directory.ReadWrite.All")
    return Shop(register(probe, *roles))


def give(sku: str, *disabled: str) -> list[dict[str, Any]]:
    return [{"disabledPlans": list(disabled), "skuId": sku}]


def test_subscribed_skus(shop: Shop) -> None:
    """The products have the documented keys, real IDs, and as many units consumed as users have."""
    answer = shop.get("/subscribedSkus")
    skus = {sku["skuPartNumber"]: sku for sku in answer["value"]}
    users = shop.get("/users?$top=999&$select=assignedLicenses")["value"]
    e5 = skus["SPE_E5"]
    tenant = shop.app.tenant.id

    assert answer["@odata.context"].endswith("/v1.0/$metadata#subscribedSkus")
    assert list(skus) == [sku.name for sku in SKUS]
    assert e5["id"] == f"{tenant}_06ebc4ee-1bb5-47dd-8120-11324bc54e06"
    assert set(e5) == set(
        "accountId accountName appliesTo capabilityStatus consumedUnits id prepaidUnits "
        "servicePlans skuId skuPartNumber subscriptionIds".split()
    )
    assert set(e5["prepaidUnits"]) == {"enabled", "lockedOut", "suspended", "warning"}
    assert e5["servicePlans"][0] == {
        "servicePlanId": "efb87545-963c-4e0d-99df-69c6916d9eb0",
        "servicePlanName": "EXCHANGE_S_ENTERPRISE",
        "provisioningStatus": "Success",
        "appliesTo": "User",
    }
    held = [entry["skuId"] for user in users for entry in user["assignedLicenses"]]
    assert shop.consumed() == {sku.id: held.count(sku.id) for sku in SKUS}
    assert shop.get(f"/subscribedSkus/{e5['id']}")["skuPartNumber"] == "SPE_E5"


def test_unknown_sku(shop: Shop) -> None:
    """A product that the tenant has not bought is not found."""
    answer = shop.app.get(f"/v1.0/subscribedSkus/{shop.app.tenant.id}_{NOBODY}", shop.token)

    assert (answer.status, answer.code) == (404, "Request_ResourceNotFound")


def test_license_details(shop: Shop) -> None:
    """A user's licences are shown with their plans, those disabled as such."""
    user = shop.pick(licensed=False)["id"]
    plan = SKUS[0].plans[1]
    assert shop.assign(user, [*give(E5, plan.id), *give(FLOW)]).status == 200

    answer = shop.get(f"/users/{user}/licenseDetails")
    names = shop.get(f"/users/{user}/licenseDetails?$select=skuPartNumber")["value"]

    assert answer["@odata.context"].endswith(f"#users('{user}')/licenseDetails")
    assert [list(entry) for entry in answer["value"]] == [
        ["id", "skuId", "skuPartNumber", "servicePlans"]
    ] * 2
    assert all(len(entry["id"]) == 43 for entry in answer["value"])
    statuses = {
        p["servicePlanId"]: p["provisioningStatus"] for p in answer["value"][0]["servicePlans"]
    }
    assert statuses[plan.id] == "Disabled"
    assert set(statuses.values()) == {"Success", "Disabled"}
    assert names == [{"skuPartNumber": "SPE_E5"}, {"skuPartNumber": "FLOW_FREE"}]


def test_assign(shop: Shop) -> None:
    """Licences are given, changed and taken in one request; units and plans follow."""
    user = shop.pick(licensed=False)["id"]
    before = shop.consumed()

    first = shop.assign(user, [*give(E3), *give(FLOW)])
    after = shop.consumed()
    swapped = shop.assign(user, give(E5), [E3, FLOW])
    changed = shop.assign(user, give(E5, SKUS[0].plans[0].id))
    plans = shop.get(f"/users/{user}?$select=assignedPlans")["assignedPlans"]
    taken = shop.assign(user, [], [E5])

    assert [answer.status for answer in (first, swapped, changed, taken)] == [200] * 4
    assert first.json()["id"] == user
    assert first.json()["@odata.context"].endswith("#users/$entity")
    assert first.headers["location"] == "https://graph.microsoft.com"
    assert {sku: after[sku] - before[sku] for sku in after if after[sku] != before[sku]} == {
        E3: 1,
        FLOW: 1,
    }
    assert [(plan["servicePlanId"], plan["capabilityStatus"]) for plan in plans] == [
        (SKUS[0].plans[1].id, "Enabled")
    ]
    assert shop.licenses(user) == []
    assert shop.consumed() == before


def test_filter_by_license(shop: Shop) -> None:
    """Who has a product is found by it."""
    user = shop.pick(licensed=False)["id"]
    query = f"/users?$filter=assignedLicenses/any(l:l/skuId%20eq%20{P2})&$select=id&$top=999"
    before = {one["id"] for one in shop.get(query)["value"]}
    shop.assign(user, give(P2))

    assert {one["id"] for one in shop.get(query)["value"]} == before | {user}


@pytest.mark.parametrize(
    ("add", "remove", "message"),
    [
        (give(NOBODY), [], f"License {NOBODY} does not correspond to a valid company License."),
        ([], [NOBODY], f"License {NOBODY} does not correspond to a valid company License."),
        ([], [F1], "User does not have a corresponding license."),
        (give(E5) * 2, [], "Request contains a property with duplicate values."),
        (give(E5), [E5], "Request contains a property with duplicate values."),
        (give(E5, NOBODY), [], f"Service plan {NOBODY} is not part of license {E5}."),
    ],
)
def test_refused(shop: Shop, add: Any, remove: Any, message: str) -> None:
    """What cannot be is refused, and changes nothing."""
    user = shop.pick(licensed=False)["id"]
    before = shop.consumed()

    answer = shop.assign(user, add, remove)

    assert (answer.status, answer.code, answer.message) == (400, "Request_BadRequest", message)
    assert (shop.licenses(user), shop.consumed()) == ([], before)


def test_usage_location(shop: Shop) -> None:
    """Who has no usage location gets no licence."""
    guest = shop.pick(licensed=False, guest=True)
    answer = shop.assign(guest["id"], give(E3))

    assert guest["usageLocation"] is None
    assert answer.status == 400
    assert answer.message == (
        "License assignment cannot be done for user with invalid usage location."
    )


def test_exhausted(shop: Shop) -> None:
    """When every unit is consumed nobody gets another; whoever has one may change its plans."""
    directory, tenant = shop.app.probe.emulator.directory, shop.app.tenant
    user, holder = (shop.pick(licensed=flag) for flag in (False, True))
    sku = holder["assignedLicenses"][0]["skuId"]
    directory.licences.add_subscriptions(tenant, {})
    with directory.transaction():
        directory._store._writer.execute(
            "UPDATE subscription SET consumed = enabled WHERE sku = ?", (sku,)
        )

    refused = shop.assign(user["id"], give(sku))
    kept = shop.assign(holder["id"], give(sku))

    assert refused.message == f"Subscription with SKU {sku} does not have any available licenses."
    assert kept.status == 200


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "missing from the request payload. The missing parameters are: addLicenses,remove"),
        ({"addLicenses": []}, "The missing parameters are: removeLicenses."),
        ({"addLicenses": {}, "removeLicenses": []}, "'StartArray' node was expected"),
        ({"addLicenses": [E5], "removeLicenses": []}, "'StartObject' node was expected"),
        ({"addLicenses": [{"skuId": "x"}], "removeLicenses": []}, "expected type 'Edm.Guid'"),
        ({"addLicenses": [], "removeLicenses": [1]}, "expected type 'Edm.Guid'"),
        ({"addLicenses": [{"sku": E5}], "removeLicenses": []}, "The property 'sku' does not exist"),
        ({"addLicenses": [], "removeLicenses": [], "x": 1}, "'x' in the request payload"),
    ],
)
def test_malformed(shop: Shop, body: Any, part: str) -> None:
    """A body that is no request for licences is refused before anything is looked at."""
    answer = shop.post(NOBODY, body)

    assert (answer.status, answer.code) == (400, "BadRequest")
    assert part in answer.message


def test_unknown_user(shop: Shop) -> None:
    """Nobody has licences who is not there."""
    answers = [
        shop.assign(NOBODY, give(E5)),
        shop.app.get(f"/v1.0/users/{NOBODY}/licenseDetails", shop.token),
    ]

    assert [(answer.status, answer.code) for answer in answers] == [
        (404, "Request_ResourceNotFound")
    ] * 2


def test_deleted_user(shop: Shop) -> None:
    """A deleted user's units are free; a restored one has them again."""
    directory, tenant = shop.app.probe.emulator.directory, shop.app.tenant
    user = shop.pick(licensed=True)
    skus = [entry["skuId"] for entry in user["assignedLicenses"]]
    before = shop.consumed()
    licences = directory.objects.find(tenant, user["id"])
    assert licences is not None
    directory.recycle_bin.delete(tenant, licences)
    deleted = shop.consumed()
    item = directory.recycle_bin.find(tenant, user["id"])
    assert item is not None
    directory.recycle_bin.restore(tenant, item)

    assert {sku: before[sku] - deleted[sku] for sku in skus} == dict.fromkeys(skus, 1)
    assert shop.consumed() == before
    assert [entry["skuId"] for entry in shop.licenses(user["id"])] == skus


def test_permissions(shop: Shop) -> None:
    """Reading users does not let anybody give licences."""
    reader = Shop(register(shop.app.probe, "User.Read.All", name="Reader"))
    user = shop.pick(licensed=False)["id"]

    answer = reader.assign(user, give(E5))
    seen = reader.app.get(f"/v1.0/users/{user}/licenseDetails", reader.token)

    assert (answer.status, answer.code) == (403, "Authorization_RequestDenied")
    assert seen.status == 200
