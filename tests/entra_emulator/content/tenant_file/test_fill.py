"""The tenant that a file describes, as its clients see it."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from entra_emulator.content.seeding.users import DOMAIN
from entra_emulator.content.tenant_file.description import TenantFileError
from entra_emulator.content.tenant_file.fill import derive_app_id, fill_described
from entra_emulator.content.tenant_file.read import read_tenant_file
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.representation import read_id
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.server.emulator import Emulator
from tests.support.certificates_and_assertions import make_identity
from tests.support.emulator_probe import App, Probe, running

EXAMPLE = Path(__file__).parents[4] / "examples" / "tenant.toml"
EXPIRED = "pretend-secret-that-has-expired"


def app_of(probe: Probe, name: str) -> App:
    application = probe.emulator.applications[name]
    return App(probe, probe.emulator.tenant, application.client_id, application.secret)


def read(probe: Probe, path: str) -> Any:
    """What the example's first application reads at this path."""
    app = app_of(probe, "Nightly report")
    answer = app.get(f"/v1.0{path.replace(' ', '%20')}", app.token())
    assert answer.status == 200, answer.body
    return answer.json()


def test_the_example_of_the_documentation_is_served_as_it_is_described(
    keys: Path, tmp_path: Path
) -> None:
    with running(keys, tmp_path / "data", tenant_file=EXAMPLE) as probe:
        names = "userPrincipalName,department,accountEnabled,createdDateTime"
        users = read(probe, f"/users?$select={names}")["value"]
        ada = read(probe, "/users/ada@fabrikam.example?$select=id,assignedLicenses")
        reports = read(probe, "/users/ada@fabrikam.example/directReports")["value"]
        groups = read(probe, "/groups?$expand=members")["value"]
        roles = probe.emulator.directory.role_members.list_roles(probe.emulator.tenant, ada["id"])
        skus = probe.emulator.directory.licences.list_skus(probe.emulator.tenant)
        tenant = probe.emulator.tenant

    assert (tenant.display_name, tenant.domains) == (
        "Fabrikam",
        ("fabrikam.onmicrosoft.com", "fabrikam.example"),
    )
    assert [
        (one["userPrincipalName"], one["department"], one["accountEnabled"]) for one in users
    ] == [
        ("ada@fabrikam.example", "Engineering", True),
        ("charles@fabrikam.example", None, False),
    ]
    assert users[1]["createdDateTime"] == "2024-02-29T08:00:00Z"
    assert [one["skuId"] for one in ada["assignedLicenses"]] == [one["skuId"] for one in skus]
    assert [(one["prepaidUnits"]["enabled"], one["consumedUnits"]) for one in skus] == [(10, 1)]
    assert [one["displayName"] for one in reports] == ["Charles Babbage"]
    assert {
        one["displayName"]: [m.get("displayName") for m in one["members"]] for one in groups
    } == {
        "Engineers": ["Ada Lovelace", "Charles Babbage"],
        # Of a service principal the application may read the ID alone.
        "Everybody": ["Engineers", None],
    }
    assert roles == [ROLES["Global Administrator"]]


def test_described_applications_have_the_credentials_and_permissions_of_the_file(
    keys: Path, tmp_path: Path
) -> None:
    """The second one's only secret has expired, and its permission is not granted."""
    _, forgotten, _ = read_tenant_file(EXAMPLE).applications
    with running(keys, tmp_path / "data", tenant_file=EXAMPLE) as probe:
        consents, tenant = probe.emulator.directory.consents, probe.emulator.tenant
        report = app_of(probe, "Nightly report")
        granted = consents.list_granted_roles(tenant, report.client_id)
        form = report.form(scope="api://orders.fabrikam.example/.default")
        orders = probe.post(report.token_path, form)
        late = App(probe, tenant, derive_app_id(tenant, forgotten), EXPIRED)
        refused = probe.post(late.token_path, late.form())
        not_granted = consents.list_granted_roles(tenant, late.client_id)

    assert sorted(granted) == ["Group.Read.All", "User.Read.All"]
    assert orders.status == 200
    assert refused.json()["error_codes"] == [7000222]
    assert not_granted == []


def test_one_file_makes_the_same_ids_every_time() -> None:
    description, made = read_tenant_file(EXAMPLE), []
    for _ in range(2):
        directory = Directory()
        tenant = fill_described(directory, description)
        rows = [
            row
            for kind in ("user", "group", "application")
            for _, row in directory.collections.scan(tenant, kind)
        ]
        made.append([tenant.id, *map(read_id, rows)])
        directory.close()

    assert len(made[0]) == 1 + 2 + 2 + 3
    assert made[0] == made[1]


def test_a_certificate_and_a_trusted_issuer_of_the_file_prove_who_the_application_is(
    tmp_path: Path,
) -> None:
    identity = make_identity()
    (tmp_path / "job.pem").write_bytes(identity.certificate.public_bytes(Encoding.PEM))
    file = tmp_path / "tenant.toml"
    file.write_text(
        """
        [[applications]]
        displayName = "Job"
        appId = "b2d1a34c-5f6e-4a7b-8c9d-000000000001"
        certificates = ["job.pem"]
        [[applications.federatedIdentityCredentials]]
        name = "github"
        issuer = "https://token.actions.githubusercontent.com"
        subject = "repo:contoso/job:ref:refs/heads/main"
        """
    )
    directory = Directory()
    fill_described(directory, read_tenant_file(file))

    (held,) = directory.credentials.list_certificates("b2d1a34c-5f6e-4a7b-8c9d-000000000001")
    (trusted,) = directory.credentials.list_federated("b2d1a34c-5f6e-4a7b-8c9d-000000000001")
    directory.close()

    assert held.der == identity.certificate.public_bytes(Encoding.DER)
    assert (trusted.name, trusted.audience) == ("github", "api://AzureADTokenExchange")


def test_a_drawn_tenant_can_be_added_to_and_its_users_be_named(tmp_path: Path) -> None:
    file = tmp_path / "tenant.toml"
    file.write_text(
        """
        [seed]
        users = 12

        [[groups]]
        displayName = "Testers"
        members = ["test.person@contoso.example"]

        [[users]]
        userPrincipalName = "test.person@contoso.example"
        """.replace("contoso.example", DOMAIN)
    )
    directory = Directory()
    tenant = fill_described(directory, read_tenant_file(file))

    assert directory.collections.count(tenant, "user") == 13
    assert directory.users.find(tenant, f"test.person@{DOMAIN}") is not None
    directory.close()


def test_a_group_with_a_rule_has_the_described_users_whom_it_chooses(tmp_path: Path) -> None:
    file = tmp_path / "tenant.toml"
    users = "".join(
        f"[[users]]\nuserPrincipalName = '{name}@contoso.onmicrosoft.com'\ncity = '{city}'\n"
        for name, city in (("ada", "Rome"), ("bob", "Oslo"), ("cleo", "Rome"))
    )
    rule = "membershipRule = 'user.city -eq \"Rome\"'"
    file.write_text(f"[[groups]]\ndisplayName = 'Romans'\n{rule}\n{users}")
    directory = Directory()
    tenant = fill_described(directory, read_tenant_file(file))
    group = directory.objects.find(tenant, "Romans", kind="group")
    assert group is not None
    members = directory.links.list_neighbours(tenant, LinkQuery("members", group.seq))
    directory.close()

    assert len(members) == 2
    assert all(b'"city":"Rome"' in member.doc for member in members)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[[groups]]\ndisplayName = 'A'\nmembers = ['nobody@x.example']",
            "groups 1 (A): [seed] draws no user 'nobody@x.example'. Describe it under [[users]].",
        ),
        (
            (
                "[[applications]]\ndisplayName = 'A'\nfederatedIdentityCredentials = "
                "[{ name = 'a', issuer = 'https://i.example', subject = 's' }]"
            ),
            "federatedIdentityCredentials 1: 'a' is no name for a federated credential",
        ),
        (
            (
                "[[applications]]\ndisplayName = 'A'\nidentifierUri = 'api://a'\n"
                "[[applications]]\ndisplayName = 'B'\nidentifierUri = 'api://a'"
            ),
            "applications 2 (B): 'api://a' names another application already.",
        ),
    ],
)
def test_what_only_the_making_can_find_out_leaves_nothing_behind(
    text: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "tenant.toml"
    file.write_text(f"{text}\n[seed]\nusers = 3\n")
    directory = Directory()

    with pytest.raises(TenantFileError) as raised:
        fill_described(directory, read_tenant_file(file))

    assert message in str(raised.value)
    assert directory.tenants.list_all() == []
    directory.close()


def test_a_folder_keeps_the_tenant_of_its_file_and_refuses_another(
    keys: Path, tmp_path: Path
) -> None:
    """Whoever changes the file would not see the change; a reset without a body makes it anew."""
    file = tmp_path / "tenant.toml"
    file.write_bytes(EXAMPLE.read_bytes())
    for _ in range(2):
        with running(keys, tmp_path / "data", tenant_file=file) as probe:
            assert len(read(probe, "/users")["value"]) == 2

    file.write_text("name = 'Another'")
    with pytest.raises(TenantFileError, match=r"was not made of .* Remove the folder"):
        Emulator(data=tmp_path / "data", tenant_file=file).start()


def test_a_reset_makes_the_described_tenant_again(keys: Path, tmp_path: Path) -> None:
    with running(keys, tmp_path / "data", tenant_file=EXAMPLE, control=True) as probe:
        directory = probe.emulator.directory
        ada = directory.objects.find(probe.emulator.tenant, "ada@fabrikam.example", kind="user")
        assert ada is not None
        directory.recycle_bin.delete(probe.emulator.tenant, ada)
        before = len(read(probe, "/users")["value"])
        answer = probe.send(
            "POST", "/_emulator/reset", headers={"Content-Type": "application/json"}, body=b"{}"
        )

        assert (before, answer.status) == (1, 200)
        assert len(read(probe, "/users")["value"]) == 2
