"""What a tenant file may say, and the one error for each mistake in it."""

import re
from pathlib import Path

import pytest

from entra_emulator.content.tenant_file.description import TenantFileError
from entra_emulator.content.tenant_file.keys import TABLES
from entra_emulator.content.tenant_file.read import read_tenant_file

USERS = """
[[users]]
userPrincipalName = "ada@contoso.onmicrosoft.com"
"""
APPLICATION = """
[[applications]]
displayName = "Job"
"""

# The end of a file that is good until there, and what its one error says.
MISTAKES = {
    "name = Contoso": "this is not TOML: Invalid value (at line 1, column 8).",
    "nmae = 'Contoso'": "no key is named 'nmae'. Did you mean 'name'?",
    "colour = 'red'": "no key is named 'colour'. Use name, id, domains, region, seed,",
    "name = ''": "name must be a text that is not empty, not ''.",
    "id = 'contoso'": "id must be a GUID, not 'contoso'.",
    "domains = 'contoso.example'": "domains must be a list of texts, not 'contoso.example'.",
    "domains = []": "domains is empty. Name one, or leave the key out.",
    "domains = ['contoso']": "'contoso' is no domain. Write one such as contoso.example.",
    "domains = ['a.example', 'A.example']": "domains names something twice.",
    "users = 250": "users must be tables, each with [[users]] above it, not 250.",
    "seed = 7": "seed must be a table, not 7.",
    "name = 'Fabrikam'\n[seed]": "a tenant that [seed] draws has name already.",
    "[seed]\n[licenses]\nSPE_E5 = 1": "a tenant that [seed] draws has licenses already.",
    "[seed]\nusers = -1": "seed: users must be a whole number from 0 to 1,000,000, not -1.",
    "[seed]\nusers = true": "seed: users must be a whole number from 0 to 1,000,000, not True.",
    "[licenses]\nSPE_E7 = 1": "licenses: there is no product 'SPE_E7'. Did you mean 'SPE_E",
    "[licenses]\nSPE_E5 = 'all'": "licenses: SPE_E5 must be a number of units, not 'all'.",
    "[[users]]\ndisplayName = 'Ada'": "users 1 (Ada): userPrincipalName is missing.",
    "[[users]]\nuserPrincipalName = 'ada@other.example'": (
        "users 1 (ada@other.example): userPrincipalName must be a name without spaces and a domain "
        "of the tenant: name@contoso.onmicrosoft.com."
    ),
    f"{USERS}{USERS.replace('ada', 'Ada')}": (
        "users 2 (Ada@contoso.onmicrosoft.com): userPrincipalName is that of users 1"
    ),
    f"{USERS.replace('Name', 'name')}": "no key is named 'userPrincipalname'. Did you mean",
    "[[users]]\nuserPrincipalName = 'a b@contoso.onmicrosoft.com'": "a name without spaces",
    "".join(
        f"[[users]]\nuserPrincipalName = '{name}@contoso.onmicrosoft.com'\nmail = 'One@x.example'\n"
        for name in "ab"
    ): "users 2 (b@contoso.onmicrosoft.com): mail is that of users 1 (a@",
    "[[groups]]\ndisplayName = 'A'\nmembershipRule = 'user.city is Rome'": (
        "groups 1 (A): membershipRule cannot be followed: "
    ),
    f"{USERS}departement = 'IT'": "no key is named 'departement'. Did you mean 'department'?",
    f"{USERS}passwordProfile = {{}}": "no key is named 'passwordProfile'.",
    f"{USERS}accountEnabled = 'yes'": "accountEnabled of a user is Edm.Boolean, and this is not: "
    "'yes'.",
    f"{USERS}createdDateTime = 2024-01-01": "createdDateTime of a user is Edm.DateTimeOffset",
    f"{USERS}createdDateTime = 2024-01-01T00:00:00": "createdDateTime must be a time with its zone",
    f"{USERS}licenses = ['E5']": "there is no product 'E5'.",
    f"{USERS}roles = ['Global Admin']": "Did you mean 'Global Administrator'?",
    f"{USERS}manager = 'adda@contoso.onmicrosoft.com'": (
        "users 1 (ada@contoso.onmicrosoft.com), manager: there is no user "
        "'adda@contoso.onmicrosoft.com'. Did you mean 'ada@contoso.onmicrosoft.com'?"
    ),
    f"{USERS}manager = 'Ada@contoso.onmicrosoft.com'": "nobody is their own manager.",
    f"[licenses]\nSPE_E3 = 1\n{USERS}licenses = ['SPE_E5']": (
        "licenses: 1 users have SPE_E5, and 0 units are bought. Write SPE_E5 = 1 or more."
    ),
    "[[groups]]\ndescription = 'All'": "groups 1: displayName is missing.",
    "[[groups]]\ndisplayName = 'A'\nmembers = ['a']": "a group is no member of itself.",
    "[[groups]]\ndisplayName = 'A'\nmembers = ['Bees']": "there is no group or application 'Bees'.",
    "[[groups]]\ndisplayName = 'A'\nowners = ['A']": "there is no user 'A'.",
    f"{USERS}[[groups]]\ndisplayName = 'A'\nmembershipRule = 'user.city -eq \"Rome\"'\n"
    "members = ['ada@contoso.onmicrosoft.com']": "its membershipRule chooses the members.",
    f"[[groups]]\ndisplayName = 'job'\n{APPLICATION}": (
        "applications 1 (Job): displayName is that of groups 1 (job). Rename one of the two."
    ),
    f"[[groups]]\ndisplayName = 'A'\nmembers = ['Job']\n{APPLICATION}servicePrincipal = false": (
        "the application 'Job' has no service principal."
    ),
    f"{APPLICATION}permission = []": "no key is named 'permission'. Did you mean 'permissions'?",
    f"{APPLICATION}permissions = ['User.Raed.All']": (
        "there is no app role of Microsoft Graph 'User.Raed.All'. Did you mean 'User.Read.All'?"
    ),
    f"{APPLICATION}permissions = ['Jobs/Run']": "there is no application 'Jobs'.",
    f"{APPLICATION}permissions = ['AgentIdentity.Read.All']": (
        "Microsoft publishes no ID for AgentIdentity.Read.All, so that no application can ask"
    ),
    f"{APPLICATION}delegatedPermissions = ['AppRegistration.Create']": (
        "Microsoft publishes no ID for AppRegistration.Create, so that no application can ask"
    ),
    f"{APPLICATION}permissions = ['TeamMember.Read.Group']": (
        "TeamMember.Read.Group is granted to an app for a single team, chat or user"
    ),
    f"{APPLICATION}permissions = ['Job/Run']": "there is no app role of Job 'Run'.",
    f"{APPLICATION}delegatedPermissions = ['user.read']": "Did you mean 'User.Read'?",
    f"{APPLICATION}signInAudience = 'Everybody'": "there is no signInAudience 'Everybody'.",
    f"{APPLICATION}permissions = ['User.Read.All']\nservicePrincipal = false": (
        "permissions needs a service principal. Remove one of the two, or write `consent = false`."
    ),
    f"{APPLICATION}appId = 'b2d1a34c-5f6e-4a7b-8c9d-000000000001'\n[[users]]\n"
    "userPrincipalName = 'ada@contoso.onmicrosoft.com'\n"
    "id = 'B2D1A34C-5F6E-4A7B-8C9D-000000000001'": (
        "applications 1 (Job): appId is that of users 1"
    ),
    f"{APPLICATION}secret = 'a'\nsecrets = [{{ text = 'a' }}]": "two of its secrets have one text.",
    f"{APPLICATION}secrets = [{{ displayName = 'a' }}]": (
        "applications 1 (Job), secrets 1: text is missing."
    ),
    f"{APPLICATION}secrets = [{{ text = 'a', startDateTime = 'today' }}]": (
        "secrets 1, startDateTime must be a time with its zone"
    ),
    f"{APPLICATION}secrets = [{{ text = 'a', startDateTime = 2025-01-01T00:00:00Z, "
    "endDateTime = '2024-01-01T00:00:00Z' }]": "secrets 1: it ends before it starts.",
    f"{APPLICATION}certificates = ['none.pem']": "none.pem cannot be read: No such file",
    f"{APPLICATION}certificates = ['tenant.toml']": "tenant.toml holds no certificate with an RSA",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_has_one_error_that_names_the_table_and_the_way_out(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "tenant.toml"
    path.write_text(text)

    with pytest.raises(TenantFileError) as raised:
        read_tenant_file(path)

    assert str(raised.value).startswith(str(path))
    assert MISTAKES[text] in str(raised.value)
    assert str(raised.value).endswith(".") or str(raised.value).endswith("?")
    assert "\n" not in str(raised.value)


def test_an_error_about_a_secret_does_not_show_it(tmp_path: Path) -> None:
    path = tmp_path / "tenant.toml"
    path.write_text(f"{APPLICATION}secret = 'hush-hush'\nsecrets = [{{ text = 'hush-hush' }}]")

    with pytest.raises(TenantFileError) as raised:
        read_tenant_file(path)

    assert "hush" not in str(raised.value)


def test_a_file_that_is_not_utf_8_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "tenant.toml"
    path.write_bytes("name = 'Café'".encode("latin-1"))

    with pytest.raises(TenantFileError, match=re.escape("this is not UTF-8.")):
        read_tenant_file(path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Notepad writes one."""
    path = tmp_path / "tenant.toml"
    path.write_bytes(b"\xef\xbb\xbfname = 'Fabrikam'")

    assert read_tenant_file(path).tenant.values == {"name": "Fabrikam"}


def test_every_property_of_a_graph_user_can_be_stated(tmp_path: Path) -> None:
    """Times are written as times of TOML, directory extensions under their long name."""
    path = tmp_path / "tenant.toml"
    extension = f"extension_{'0' * 32}_badge"
    path.write_text(
        f"{USERS}{extension} = 7\nbusinessPhones = ['1']\n"
        "createdDateTime = 2024-01-01T02:00:00+02:00\n"
        "onPremisesExtensionAttributes = { extensionAttribute1 = 'x' }\n"
    )

    (user,) = read_tenant_file(path).users

    assert user.properties == {
        extension: 7,
        "businessPhones": ["1"],
        "createdDateTime": "2024-01-01T00:00:00Z",
        "onPremisesExtensionAttributes": {"extensionAttribute1": "x"},
    }


def test_the_keys_of_a_table_are_described_and_named_once() -> None:
    for keys in TABLES.values():
        names = [key.name for key in keys]
        assert len(set(names)) == len(names)
        assert all(key.meaning for key in keys)


def test_a_file_without_an_end_is_refused() -> None:
    with pytest.raises(TenantFileError, match=r"/dev/zero: this has more than .* no tenant"):
        read_tenant_file(Path("/dev/zero"))
