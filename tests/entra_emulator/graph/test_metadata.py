from xml.etree import ElementTree as ET

import pytest

from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS
from tests.support.emulator_probe import App, Probe

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


@pytest.fixture(scope="module")
def document(probe: Probe) -> ET.Element:
    answer = probe.get("/v1.0/$metadata")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/xml"
    return ET.fromstring(answer.body)


def test_public(probe: Probe) -> None:
    """Everybody may read what the service is, without a token, the same in every version."""
    assert probe.get("/v1.0/$metadata").body == probe.get("/beta/$METADATA").body
    assert probe.get("/v1.0").status == 200
    assert probe.send("POST", "/v1.0/$metadata").status == 405


def test_types(document: ET.Element) -> None:
    """Every type that is served is described with its properties."""
    types = {one.get("Name"): one for one in document.iter(f"{EDM}EntityType")}

    for kind in KINDS:
        own = {one.get("Name") for one in types[kind].iter(f"{EDM}Property")}
        inherited = {"id", "deletedDateTime"}
        assert own | inherited == set(schema.published("types")[kind])
        assert types[kind].get("BaseType") == "graph.directoryObject"
        assert types[kind].get("OpenType") == "true"


def test_references(document: ET.Element) -> None:
    """Whatever type is named is described."""
    tags = ("EntityType", "ComplexType", "EnumType")
    known = {f"graph.{one.get('Name')}" for tag in tags for one in document.iter(f"{EDM}{tag}")}
    named = set()
    for one in document.iter():
        for attribute in ("Type", "EntityType", "BaseType"):
            value = one.get(attribute, "Edm.String")
            named.add(value.removeprefix("Collection(").removesuffix(")"))

    foreign = {name for name in named if not name.startswith("Edm.")}
    assert {name.replace("microsoft.graph.", "graph.") for name in foreign} <= known


def test_navigation(document: ET.Element) -> None:
    """What leads from one type to another is described."""
    (group,) = (one for one in document.iter(f"{EDM}EntityType") if one.get("Name") == "group")
    links = {one.get("Name"): one.get("Type") for one in group.iter(f"{EDM}NavigationProperty")}

    assert links["members"] == "Collection(graph.directoryObject)"


def test_service(probe: Probe, document: ET.Element) -> None:
    """The service lists its sets, which its description has too."""
    page = probe.get("/v1.0/").json()

    assert page["@odata.context"] == f"{probe.emulator.url}/v1.0/$metadata"
    assert {"name": "users", "kind": "EntitySet", "url": "users"} in page["value"]
    described = {
        one.get("Name")
        for tag in ("EntitySet", "Singleton")
        for one in document.iter(f"{EDM}{tag}")
    }
    assert {one["name"] for one in page["value"]} == described


def test_served_sets(app: App, token: str, probe: Probe) -> None:
    """Every set that the service lists can be reached."""
    for one in probe.get("/v1.0/").json()["value"]:
        if one["kind"] == "EntitySet" and one["name"] != "directoryObjects":
            assert app.get(f"/v1.0/{one['url']}", token).status in {200, 403}
