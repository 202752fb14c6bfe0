from entra_emulator.model import schema
from tests.support.graph_writer import Writer


def test_domains(writer: Writer) -> None:
    """A domain that is named is there, unverified, and can be removed; verified ones cannot."""
    answer = writer.post("/domains", {"id": "New.Example"})
    made = answer.json()

    assert answer.status == 201
    assert answer.headers["location"] == (
        f"https://graph.microsoft.com/v2/{writer.app.tenant.id}/domains/new.example"
    )
    assert list(made)[1:] == list(schema.default("domain"))
    assert (made["id"], made["isVerified"]) == ("new.example", False)
    assert "new.example" in {one["id"] for one in writer.get("/domains")["value"]}
    assert writer.get("/domains/new.example")["isVerified"] is False
    assert writer.post("/domains", {"id": "new.example"}).status == 400
    assert writer.post("/domains", {"id": writer.domain}).status == 400
    assert writer.post("/domains", {"id": "no domain"}).status == 400
    user = writer.user(userPrincipalName="a@new.example")
    assert writer.post("/users", user).message.startswith("The domain portion")
    assert writer.delete("/domains/new.example").status == 204
    assert writer.delete("/domains/new.example").status == 404
    assert writer.delete(f"/domains/{writer.domain}").status == 400
