import threading
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import msgspec
import pytest

from entra_emulator.clock import Clock, parse_iso
from entra_emulator.content.seed import seed_directory
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.object_collections import Position, Span
from entra_emulator.directory.representation import choose_content
from entra_emulator.model.applications import GRAPH_APP_ID, assignment_id
from entra_emulator.model.records import Tenant


@pytest.fixture
def directory() -> Iterator[Directory]:
    directory = Directory(clock=Clock(at=1_800_000_000))
    yield directory
    directory.close()


@pytest.fixture
def tenant(directory: Directory) -> Tenant:
    return seed_directory(directory, users=40)


def everything(directory: Directory, tenant: Tenant) -> bytes:
    return b"\n".join(doc for _, doc in directory.collections.scan(tenant, "user"))


def test_seed_is_deterministic(directory: Directory, tenant: Tenant, tmp_path: Path) -> None:
    """The same seed makes the same directory, byte for byte, in a file as in memory."""
    other = Directory(tmp_path / "other.sqlite")
    twin = seed_directory(other, users=40)

    assert (twin.id, twin.domains) == (tenant.id, tenant.domains)
    assert everything(other, twin) == everything(directory, tenant)
    principals = [
        d.service_principals.find(t, GRAPH_APP_ID) for d, t in ((directory, tenant), (other, twin))
    ]
    assert principals[0] == principals[1]
    other.close()


def test_pages(directory: Directory, tenant: Tenant) -> None:
    """Faces come in creation order, each exactly once, whatever the page size."""
    for limit in (1, 7, 40, 41):
        after, found = None, []
        while rows := directory.collections.read_rows(tenant, "user", after=after, limit=limit):
            found += [msgspec.json.decode(face)["id"] for _, _, face in rows]
            after = Position(None, rows[-1][1])

        assert found == [user["id"] for user in draw_users(40, 0)]


@pytest.mark.parametrize("order", ["seq", "name", "key"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("what", ["summary", "doc", "brief"])
def test_joined(
    directory: Directory, tenant: Tenant, order: str, what: str, *, descending: bool
) -> None:
    """What is joined is what the rows are, with a position exactly when more follows."""
    span = Span(order, descending)
    rows = directory.collections.read_rows(tenant, "user", what, span, limit=99)
    for limit in (1, 7, 39, 40, 41):
        after, parts = None, []
        while True:
            body, after = directory.collections.read_joined(
                tenant, "user", what, span, after=after, limit=limit
            )
            parts.append(body)
            if after is None:
                break

        assert b",".join(parts) == b",".join(content for _, _, content in rows)
        assert len(parts) == -(-40 // limit)
    assert directory.collections.read_joined(tenant, "group", what, span, limit=5) == (b"", None)


def test_brief_documents(directory: Directory, tenant: Tenant) -> None:
    """The beginning of a user's document has every property but those that are asked for seldom."""
    rows = [
        directory.collections.read_rows(tenant, "user", what, limit=99) for what in ("doc", "brief")
    ]
    for (_, _, doc), (_, _, brief) in zip(*rows, strict=True):
        whole, begun = msgspec.json.decode(doc), msgspec.json.decode(brief)
        left = set(whole) - set(begun)

        assert begun == {name: whole[name] for name in begun}
        assert "securityIdentifier" in left
        assert choose_content("user", left) == "doc"
        assert choose_content("user", begun) == "brief"
    assert choose_content("user", ["id", "mail"]) == "summary"
    assert choose_content("group", ["id"]) == "doc"


def test_brief_follows(directory: Directory, tenant: Tenant) -> None:
    """However a user is written, the beginning of its document is that of the document."""
    ids = [
        msgspec.json.decode(doc)["id"]
        for _, _, doc in directory.collections.read_rows(tenant, "user", limit=9)
    ]
    directory.objects.update(
        tenant, "user", ids[0], {"department": "Ä" * 50, "proxyAddresses": None}
    )
    directory.objects.update(tenant, "user", ids[1], {"securityIdentifier": None, "city": None})
    bare = {"id": "11111111-1111-4111-8111-111111111111", "userPrincipalName": "b@contoso.example"}
    directory.objects.create(tenant, "user", bare)
    found = directory.objects.find(tenant, ids[2])
    assert found is not None
    directory.recycle_bin.delete(tenant, found)
    item = directory.recycle_bin.find(tenant, ids[2])
    assert item is not None
    directory.recycle_bin.restore(tenant, item, {"displayName": "Back again"})

    rows = [
        directory.collections.read_rows(tenant, "user", what, limit=99) for what in ("doc", "brief")
    ]
    for (_, _, doc), (_, _, brief) in zip(*rows, strict=True):
        whole, begun = msgspec.json.decode(doc), msgspec.json.decode(brief)
        left = {name for name in whole if choose_content("user", [name]) == "doc"}
        assert begun == whole or begun == {n: whole[n] for n in whole if n not in left}


@pytest.mark.parametrize("order", ["seq", "name", "key"])
@pytest.mark.parametrize("limit", [0, 1, 3, 20, 100])
def test_search(directory: Directory, tenant: Tenant, order: str, limit: int) -> None:
    """A search finds what matches, so many at once, and goes on where it ended."""
    span = Span(order)
    match = b'"employeeType":"Contractor"'.__contains__
    expected = [doc for _, doc in directory.collections.scan(tenant, "user", span) if match(doc)]
    position, found = None, []
    for _ in range(50):
        docs, position = directory.collections.list_matching(
            tenant, "user", match, span=span, after=position, limit=limit
        )
        found += docs
        if position is None:
            break

    assert found == (expected if limit else [])
    assert directory.collections.count_matching(tenant, "user", match, span=span) == len(expected)
    assert directory.collections.count_matching(tenant, "user", None, span=span) == 40
    everything, _ = directory.collections.list_matching(tenant, "user", None, span=span, limit=100)
    assert everything == [doc for _, doc in directory.collections.scan(tenant, "user", span)]


def test_large_faces(directory: Directory, tenant: Tenant) -> None:
    """An object whose document is its face is not stored twice, and listed all the same."""
    rows = directory.collections.read_rows(tenant, "servicePrincipal", "summary", limit=9)
    docs = directory.collections.read_rows(tenant, "servicePrincipal", "doc", limit=9)
    stored = directory._store.read("SELECT max(length(face)), count(*) FROM object")

    assert [row[2] for row in rows] == [row[2] for row in docs]
    assert stored[0][0] < 2000
    assert len(docs[0][2]) > 200_000
    assert stored[0][1] == 42 + directory.collections.count(tenant, "directoryRole")


def test_counts(directory: Directory, tenant: Tenant) -> None:
    """Counts follow every way to come and go, and are each tenant's own."""
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    assert [directory.collections.count(one, "user") for one in (tenant, other)] == [40, 0]
    record = {"id": "11111111-1111-4111-8111-111111111111", "userPrincipalName": "a@x.example"}
    directory.objects.create(other, "user", record)
    made = directory.collections.count(other, "user")
    found = directory.objects.find(other, record["id"])
    assert found is not None
    directory.recycle_bin.delete(other, found)
    gone = directory.collections.count(other, "user")
    item = directory.recycle_bin.find(other, record["id"])
    assert item is not None
    directory.recycle_bin.restore(other, item)
    back = directory.collections.count(other, "user")

    def fail() -> None:
        with directory.transaction():
            directory.recycle_bin.delete(other, found, forever=True)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power"):
        fail()
    kept = directory.collections.count(other, "user")
    with directory.filling():
        directory.objects.fill(
            tenant, "user", [record | {"userPrincipalName": "b@contoso.example"}]
        )
    directory.clear()

    assert (made, gone, back, kept) == (1, 0, 1, 1)
    assert directory.collections.count(tenant, "user") == 0


@pytest.mark.parametrize("order", ["seq", "name", "key"])
@pytest.mark.parametrize("descending", [False, True])
def test_scan(directory: Directory, tenant: Tenant, order: str, *, descending: bool) -> None:
    """A scan is ordered, complete, and goes on from any position, in chunks of any size."""
    span = Span(order, descending)
    rows = list(directory.collections.scan(tenant, "user", span))

    positions = [(position.value or "", position.seq) for position, _ in rows]
    assert positions == sorted(positions, reverse=descending)
    assert len(rows) == 40
    for number, (position, _) in enumerate(rows):
        rest = directory.collections.scan(tenant, "user", span, after=position, chunk=number + 1)
        assert list(rest) == rows[number + 1 :]


def test_user(directory: Directory, tenant: Tenant) -> None:
    """A user is found by ID and by name in any case of letters, in its own tenant only."""
    user = next(draw_users(1, 0))
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))

    for key in (user["id"], user["id"].upper(), user["userPrincipalName"].upper()):
        found = directory.users.find(tenant, key)
        assert found is not None
        assert found == user
        assert directory.users.find(other, key) is None


def test_tenants(directory: Directory, tenant: Tenant, tmp_path: Path) -> None:
    """A tenant is found by GUID and domains in any case of letters, after a restart too."""
    path = tmp_path / "directory.sqlite"
    first = Directory(path)
    made = seed_directory(first, users=0)
    first.close()
    second = Directory(path)

    for key in (made.id.upper(), "CONTOSO.example", "contoso.onmicrosoft.com"):
        assert second.tenants.find(key) == made
    assert second.tenants.find("fabrikam.example") is None
    assert second.tenants.list_all() == [made]
    second.close()


def test_interrupted_seed(tmp_path: Path) -> None:
    """A seeding that fails half-way leaves no tenant behind."""
    path = tmp_path / "directory.sqlite"
    directory = Directory(path)

    def fail() -> None:
        with directory.transaction():
            seed_directory(directory, users=10)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power"):
        fail()
    directory.close()

    again = Directory(path)
    assert again.tenants.list_all() == []
    again.close()


def test_application(directory: Directory, tenant: Tenant) -> None:
    """A registration comes with its service principal, both in the recorded shape."""
    redirect = "https://app.example/back"
    made = directory.applications.register(tenant, "Nightly sync", redirect_uris=[redirect])

    application = directory.applications.find(tenant, made.app_id.upper())
    principal = directory.service_principals.find(tenant, made.app_id)

    assert application == made
    assert list(application.record) == APPLICATION_KEYS
    assert application.record["web"]["redirectUris"] == [redirect]
    assert application.record["publisherDomain"] == "contoso.onmicrosoft.com"
    assert principal is not None
    assert list(principal.record) == PRINCIPAL_KEYS
    assert principal.record["servicePrincipalNames"] == [made.app_id]
    assert principal.record["appOwnerOrganizationId"] == tenant.id
    assert principal.id != application.id


def test_password(directory: Directory, tenant: Tenant) -> None:
    """A secret has the real shape, two years to live, and is kept as a digest only."""
    app_id = directory.applications.register(tenant, "x").app_id
    made = directory.credentials.add_password(tenant, app_id, "first")
    secret = made.secret_text or ""
    application = directory.applications.find(tenant, app_id)
    assert application is not None
    (entry,) = application.record["passwordCredentials"]

    assert (len(secret), secret[3:6], secret[:3]) == (40, "8Q~", made.hint)
    assert made.end - made.start == 730 * 86400
    assert entry == {
        "customKeyIdentifier": None,
        "displayName": "first",
        "endDateTime": "2029-01-14T08:00:00.0000000Z",
        "hint": made.hint,
        "keyId": made.key_id,
        "secretText": None,
        "startDateTime": "2027-01-15T08:00:00.0000000Z",
    }
    assert parse_iso(entry["endDateTime"]) == made.end
    found = directory.credentials.find_password(app_id, secret)
    assert found is not None
    assert (found.key_id, found.secret_text) == (made.key_id, None)
    assert directory.credentials.find_password(app_id, secret[:-1]) is None


def test_secret_is_not_stored(tmp_path: Path) -> None:
    """No file of the data folder holds a secret's text."""
    directory = Directory(tmp_path / "directory.sqlite")
    tenant = seed_directory(directory, users=1)
    app_id = directory.applications.register(tenant, "x").app_id
    secret = directory.credentials.add_password(tenant, app_id).secret_text or "-"
    directory.close()

    for path in tmp_path.iterdir():
        assert secret.encode() not in path.read_bytes()


def test_permissions(directory: Directory, tenant: Tenant) -> None:
    """Asking grants nothing; consent grants all that was asked for, once."""
    app_id = directory.applications.register(tenant, "x").app_id
    for value in ("User.Read.All", "Group.Read.All", "User.Read.All"):
        directory.applications.add_application_permission(tenant, app_id, value)

    asked = directory.applications.list_requested_roles(tenant, app_id)
    before = directory.consents.list_granted_roles(tenant, app_id)
    granted = [directory.consents.grant_admin_consent(tenant, app_id) for _ in range(2)]
    after = directory.consents.list_granted_roles(tenant, app_id, GRAPH_APP_ID)
    directory.consents.revoke(tenant, app_id)

    assert [permission.value for permission in asked] == ["User.Read.All", "Group.Read.All"]
    assert asked[0].display_name == "Read all users' full profiles and company properties"
    assert before == []
    assert granted == [["User.Read.All", "Group.Read.All"]] * 2
    assert after == ["Group.Read.All", "User.Read.All"]
    assert directory.consents.list_granted_roles(tenant, app_id) == []


def test_unknown_permission(directory: Directory, tenant: Tenant) -> None:
    """A permission that Graph does not have is a clear error, and so are unknown applications."""
    app_id = directory.applications.register(tenant, "x").app_id

    with pytest.raises(LookupError, match="Microsoft Graph has no application permission 'x'"):
        directory.applications.add_application_permission(tenant, app_id, "x")
    with pytest.raises(LookupError, match="no servicePrincipal with appId 'y'"):
        directory.applications.add_application_permission(tenant, app_id, "x", resource_app_id="y")
    with pytest.raises(LookupError, match="no application with appId 'z' in tenant 'Contoso'"):
        directory.credentials.add_password(tenant, "z")
    assert directory.applications.list_requested_roles(tenant, "z") == []
    assert directory.consents.list_granted_roles(tenant, "z") == []


def test_graph_principal(directory: Directory, tenant: Tenant) -> None:
    """Microsoft Graph's service principal has its published application permissions."""
    principal = directory.service_principals.find(tenant, GRAPH_APP_ID)
    assert principal is not None
    roles = {role["value"]: role["id"] for role in principal.record["appRoles"]}

    assert roles["User.Read.All"] == "df021288-bdef-4463-88db-98f22de89214"
    assert len(roles) > 500


def test_assignment_id() -> None:
    """An assignment's ID has 43 characters, the first 21 fixed by the principal."""
    principal, resource = "11111111-1111-4111-8111-111111111111", "2" * 32
    ids = [assignment_id(principal, resource, role) for role in ("a", "b")]

    assert [len(i) for i in ids] == [43, 43]
    assert ids[0][:21] == ids[1][:21]
    assert ids[0] != ids[1]


def test_threads(tmp_path: Path) -> None:
    """Many threads read while one writes; every page they see is complete and in order."""
    directory = Directory(tmp_path / "directory.sqlite")
    tenant = seed_directory(directory, users=300)
    failures: list[str] = []

    def read() -> None:
        for _ in range(30):
            seqs = [seq for _, seq, _ in directory.collections.read_rows(tenant, "user", limit=999)]
            if len(seqs) < 300 or any(a >= b for a, b in pairwise(seqs)):
                failures.append(str(len(seqs)))

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    newcomers = islice(draw_users(400, 0), 300, None)
    directory.objects.fill(tenant, "user", newcomers)
    for thread in threads:
        thread.join()

    assert failures == []
    assert directory.collections.count(tenant, "user") == 400
    directory.close()


APPLICATION_KEYS = (
    "id deletedDateTime appId applicationTemplateId disabledByMicrosoftStatus createdDateTime "
    "displayName description groupMembershipClaims identifierUris isDeviceOnlyAuthSupported "
    "isFallbackPublicClient nativeAuthenticationApisEnabled notes publisherDomain "
    "serviceManagementReference signInAudience tags tokenEncryptionKeyId uniqueName "
    "samlMetadataUrl defaultRedirectUri certification optionalClaims "
    "servicePrincipalLockConfiguration requestSignatureVerification addIns api appRoles info "
    "keyCredentials parentalControlSettings passwordCredentials publicClient "
    "requiredResourceAccess verifiedPublisher web spa"
).split()
PRINCIPAL_KEYS = (
    "id deletedDateTime accountEnabled alternativeNames appDisplayName appDescription appId "
    "applicationTemplateId appOwnerOrganizationId appRoleAssignmentRequired createdDateTime "
    "description disabledByMicrosoftStatus displayName homepage loginUrl logoutUrl notes "
    "notificationEmailAddresses preferredSingleSignOnMode preferredTokenSigningKeyThumbprint "
    "replyUrls servicePrincipalNames servicePrincipalType signInAudience tags "
    "tokenEncryptionKeyId samlSingleSignOnSettings addIns appRoles info keyCredentials "
    "oauth2PermissionScopes passwordCredentials resourceSpecificApplicationPermissions "
    "verifiedPublisher"
).split()
