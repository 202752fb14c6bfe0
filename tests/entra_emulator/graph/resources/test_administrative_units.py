from tests.support.graph_links import members
from tests.support.graph_writer import Writer


def test_administrative_units(writer: Writer) -> None:
    """Administrative units are made, changed and deleted, and take users and groups."""
    made = writer.make("/directory/administrativeUnits", {"displayName": "North"})
    path = f"/administrativeUnits/{made['id']}"
    user, group = writer.make_user()["id"], writer.make_group()["id"]

    assert writer.patch(path, {"description": "d"}).status == 204
    assert writer.get(path)["description"] == "d"
    for member in (user, group):
        assert writer.link(f"{path}/members", member).status == 204
    nested = writer.link(f"{path}/members", made["id"])
    assert "'AdministrativeUnit' is invalid for the 'members' reference" in nested.message
    assert writer.delete(f"{path}/members/{group}/$ref").status == 204
    assert members(writer, f"{path}/members") == [user]
    assert writer.delete(path).status == 204
    assert writer.send("GET", path).status == 404
    assert writer.post("/administrativeUnits", {}).status == 400
