"""The desired state: names, and whose tokens are trusted."""

import pytest

from graphdaemon.errors import UsageError
from graphdaemon.registration.desired import (
    FederatedCredential,
    read_federated_credential,
    read_name,
)


@pytest.mark.parametrize(
    "who", ["github:contoso", "github:contoso/sync", "kubernetes:ns:sa", "gitlab:a/b:c", ""]
)
def test_a_trust_that_says_too_little_is_refused(who: str) -> None:
    """With the form that is wanted."""
    with pytest.raises(UsageError) as caught:
        read_federated_credential(who)

    assert "github:OWNER/REPOSITORY" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["", "a'b", "a/b", "{application}", "x" * 101, " a", "a\nb"])
def test_a_name_that_could_be_something_else_is_none(name: str) -> None:
    """It stands in addresses, filters and files."""
    with pytest.raises(UsageError):
        read_name(name)


def test_a_federated_credential_is_named_by_what_it_trusts() -> None:
    """The same trust has the same name, another one another; Graph takes 120 signs."""
    one = FederatedCredential("github", "https://a", "repo:a/b:ref:refs/heads/" + "x" * 500)

    assert one.name == FederatedCredential(*one).name
    assert one.name != one._replace(subject="other").name
    assert len(one.name) <= 120
