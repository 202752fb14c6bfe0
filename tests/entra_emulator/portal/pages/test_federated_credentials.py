from __future__ import annotations

import pytest

from tests.support.portal_visitor import (
    Visitor,
    at_credentials,
)


@pytest.mark.parametrize(
    ("scenario", "typed", "issuer", "subject"),
    [
        (
            "GitHub Actions deploying Azure resources",
            {"organization": "o", "repository": "r", "entity": "branch", "entity_name": "main"},
            "https://token.actions.githubusercontent.com",
            "repo:o/r:ref:refs/heads/main",
        ),
        (
            "GitHub Actions deploying Azure resources",
            {"organization": "o", "repository": "r", "entity": "pull_request"},
            "https://token.actions.githubusercontent.com",
            "repo:o/r:pull_request",
        ),
        (
            "Kubernetes accessing Azure resources",
            {"issuer": "https://k8s.example/", "namespace": "jobs", "account": "sync"},
            "https://k8s.example/",
            "system:serviceaccount:jobs:sync",
        ),
        (
            "Other issuer",
            {"issuer": "https://idp.example/", "subject": "job 7"},
            "https://idp.example/",
            "job 7",
        ),
    ],
)
def test_federated(
    admin: Visitor, scenario: str, typed: dict[str, str], issuer: str, subject: str
) -> None:
    """Each scenario asks for its own words, and trusts the subject that its tokens have."""
    with at_credentials(admin, "Trusting", "/federated") as app_id:
        admin.open(admin.page.links["Add credential"])
        admin.open(admin.page.links[scenario])
        page = admin.press("Add", typed, name="trusted")

        assert "The federated credential trusted was added." in page.text
        (found,) = admin.probe.emulator.directory.credentials.list_federated(app_id)
        assert (found.issuer, found.subject) == (issuer, subject)
        assert found.audience == "api://AzureADTokenExchange"
        admin.open(next(a for w, a in page.links.items() if w.startswith("Delete")))
        admin.press("Delete")
        assert admin.probe.emulator.directory.credentials.list_federated(app_id) == []


def test_federated_refused(admin: Visitor) -> None:
    """What is missing is said at its field; a limit of the service's at the name."""
    with at_credentials(admin, "Distrusting", "/federated"):
        admin.open(admin.page.links["Add credential"])
        page = admin.press("Add", organization="o", entity="tag")
        wrong = {key for key in page.ids if key.endswith("-error")}
        assert (admin.status, wrong) == (
            400,
            {"repository-error", "entity_name-error", "name-error"},
        )

        page = admin.press("Add", name="x", repository="r", entity_name="v1")
        assert "is no name for a federated credential" in page.ids["name-error"]
        assert dict(page.form("Add").fields)["organization"] == "o"
