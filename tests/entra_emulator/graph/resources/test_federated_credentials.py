from typing import Any

import pytest

from tests.support.foreign_issuer import EXCHANGE, SUBJECT
from tests.support.graph_applications import make
from tests.support.graph_writer import NOBODY, Writer

ISSUER = "https://token.actions.githubusercontent.com/"


def test_federated(writer: Writer) -> None:
    """Federated credentials are made, found by ID or name, changed and removed, as recorded."""
    made = make(writer)
    path = f"/applications/{made['id']}/federatedIdentityCredentials"
    body = {
        "name": "Testing",
        "issuer": ISSUER,
        "subject": SUBJECT,
        "description": "d",
        "audiences": [EXCHANGE],
    }
    answer = writer.post(path, body)
    one = answer.json()

    assert answer.status == 201
    assert answer.headers["location"].endswith(f"/federatedIdentityCredentials/{one['id']}")
    context = f"#applications('{made['id']}')/federatedIdentityCredentials"
    assert one["@odata.context"].endswith(f"{context}/$entity")
    assert list(one)[1:] == ["id", "name", "issuer", "subject", "description", "audiences"]
    listed = writer.get(path)
    assert listed["@odata.context"].endswith(context)
    assert [item["name"] for item in listed["value"]] == ["Testing"]
    for key in (one["id"], "Testing", "(name='Testing')"):
        spelled = f"{path}{key}" if key.startswith("(") else f"{path}/{key}"
        assert writer.get(spelled)["id"] == one["id"]
    assert writer.patch(f"{path}/{one['id']}", {"subject": "repo:x"}).status == 204
    assert writer.get(f"{path}/Testing")["subject"] == "repo:x"
    assert "read-only" in writer.patch(f"{path}/Testing", {"name": "Other"}).message
    again = writer.post(path, body)
    assert (again.status, again.code, again.message) == (
        409,
        "Request_MultipleObjectsWithSameKeyValue",
        "FederatedIdentityCredential with name Testing already exists.",
    )
    assert writer.delete(f"{path}/Testing").status == 204
    assert writer.send("GET", f"{path}/Testing").status == 404
    assert writer.delete(f"{path}/{NOBODY}").status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://a.example"},
        {"subject": ""},
        {"subject": "x" * 601},
        {"audiences": []},
        {"audiences": ["a", "b"]},
        {"name": "no blanks"},
        {"name": None},
        {"description": "x" * 601},
        {"colour": "red"},
    ],
)
def test_federated_limits(writer: Writer, changes: dict[str, Any]) -> None:
    """A federated credential beyond the documented limits is refused."""
    body = {"name": "Testing", "issuer": ISSUER, "subject": "s", "audiences": [EXCHANGE]} | changes
    answer = writer.post(f"/applications/{make(writer)['id']}/federatedIdentityCredentials", body)

    assert (answer.status, answer.code) == (400, "Request_BadRequest")


def test_federated_upsert(writer: Writer) -> None:
    """With Prefer: create-if-missing a federated credential is made once, then changed."""
    path = f"/applications/{make(writer)['id']}/federatedIdentityCredentials(name='nightly')"
    body = {"issuer": ISSUER, "subject": "s", "audiences": [EXCHANGE]}

    assert writer.patch(path, body).status == 404
    made = writer.patch(path, body, Prefer="create-if-missing")
    assert (made.status, made.json()["name"]) == (201, "nightly")
    assert writer.patch(path, {"subject": "t"}, Prefer="create-if-missing").status == 204
    assert writer.get(path)["subject"] == "t"
