import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest

from entra_emulator.model import schema
from tests.support.places import PUBLISHED, ROOT

DATA = ROOT / "src/entra_emulator/model/data/schema.json"


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_schema", ROOT / "tools" / "generate_schema.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated() -> None:
    """The data files are what the generator makes of Microsoft's tables."""
    if not PUBLISHED.is_dir():
        pytest.skip("the published tables are not beside this checkout (../shared/data)")
    generator = load_generator()

    for name, text in generator.generate(PUBLISHED).items():
        assert (generator.TARGET / name).read_text("utf-8") == text


@pytest.mark.parametrize("name", ["schema.json", "roles.json", "scopes.json"])
def test_source(name: str) -> None:
    """Every generated file says where it comes from and under which licence."""
    folder = ROOT / "src/entra_emulator/model/data"
    source = json.loads((folder / name).read_text("utf-8"))["source"]

    assert source["repository"].startswith("https://github.com/microsoftgraph/")
    assert source["licence"] == "MIT, Copyright (c) Microsoft"
    generator = "schema" if name == "schema.json" else "permissions"
    assert source["written_by"] == f"tools/generate_{generator}.py"


def test_what_only_beta_declares_is_no_property_of_v1_and_says_where_it_comes_from() -> None:
    table = json.loads((DATA.parent / "beta.json").read_text("utf-8"))

    assert table["source"]["written_by"] == "tools/generate_beta_properties.py"
    assert table["source"]["licence"] == "MIT, Copyright (c) Microsoft"
    for kind, properties in table["properties"].items():
        assert properties == schema.declared_in_beta(kind)
        assert properties.keys().isdisjoint(schema.declared(kind))
        assert properties.keys().isdisjoint(schema.navigation(kind))
    assert schema.declared_in_beta("directoryObject").keys() >= {"samlMetadataUrl", "deviceKeys"}
    assert (schema.blank("user", "deviceKeys"), schema.blank("user", "security")) == ([], None)


def test_declared() -> None:
    """A user has its 79 declared properties and those of its base types."""
    declared = schema.declared("user")

    assert len(declared) == 81
    assert {"id", "deletedDateTime"} <= set(declared)
    assert declared["accountEnabled"] == "Edm.Boolean"


def test_canonical() -> None:
    """Property names match in any case of letters; extensions are names of their own."""
    names = ("USERPRINCIPALNAME", "extension_0a_size", "extension_a b", "nothing")

    found = [schema.canonical("user", name) for name in names]

    assert found == ["userPrincipalName", "extension_0a_size", None, None]


def test_default() -> None:
    """Each type has its default set: 11 properties of users, all that is declared of devices."""
    assert len(schema.default("user")) == 11
    assert schema.default("user")[-1] == "id"
    assert set(schema.default("device")) == set(schema.declared("device")) - {"extensionAttributes"}
    assert schema.default("directoryRole") == (
        *("id", "deletedDateTime", "description", "displayName", "roleTemplateId"),
    )


@pytest.mark.parametrize(
    ("kind", "set_name"),
    [
        ("group", "groups"),
        ("application", "applications"),
        ("servicePrincipal", "servicePrincipals"),
    ],
)
def test_recorded_sets(kind: str, set_name: str) -> None:
    """No recorded list has a property that the default set has not, and the order is its own."""
    seen = [tuple(record) for record in read_recorded_lists(f"/v1.0/{set_name}?")]

    default = schema.default(kind)
    assert seen
    for names in map(set, seen):
        assert names <= set(default)
    newest = max(seen, key=len)
    scalars = [name for name in newest if name not in MOVING]
    assert scalars == [name for name in default if name in newest and name not in MOVING]


# Null complex values stand among the scalars, set ones behind them.
MOVING = {"info", "optionalClaims", "verifiedPublisher", "onPremisesProvisioningErrors"}


def test_navigation() -> None:
    """Navigation properties lead to a type, to one object or to many."""
    assert schema.navigation("user")["manager"] == "microsoft.graph.directoryObject"
    assert schema.navigation("group")["members"] == "Collection(microsoft.graph.directoryObject)"
    assert schema.navigation("assignedLicense") == {}


def test_complex_types() -> None:
    """Complex types have properties, enumerations members, and directory objects everything."""
    assert schema.declared("assignedLicense")["skuId"] == "Edm.Guid"
    assert schema.canonical("objectIdentity", "ISSUER") == "issuer"
    assert "unknown" in schema.enumerated("mdmAuthority")
    assert schema.enumerated("assignedLicense") == ()
    assert {"userPrincipalName", "groupTypes", "deviceId", "roleTemplateId"} <= set(
        schema.declared("directoryObject")
    )
    assert schema.knows("group")
    assert not schema.knows("calendar")


def read_recorded_lists(part: str) -> list[dict[str, Any]]:
    path = PUBLISHED / "recordings" / "azure-cli.jsonl"
    if not path.is_file():
        pytest.skip("the recordings are not beside this checkout (../shared/data)")
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        item
        for record in records
        if record["method"] == "GET" and part in record["url"] and "elect=" not in record["url"]
        for item in record["response_body"].get("value", ())
    ]


def test_recorded_default() -> None:
    """The default set of users and its order are those of a recorded list."""
    users = read_recorded_lists("/v1.0/users?")

    assert users
    assert {tuple(user) for user in users} == {schema.default("user")}
