"""The desired state: names, and whose tokens are trusted."""

import pytest

from graphdaemon.errors import UsageError
from graphdaemon.registration.desired import (
    FederatedCredential,
    read_federated_credential,
    read_name,
    read_scope,
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


def test_the_scope_of_an_api_of_ones_own_is_taken() -> None:
    """Its App ID URI, whatever that looks like, and /.default."""
    for scope in ("api://orders/.default", "https://contoso.com/orders/.default"):
        assert read_scope(scope) == scope


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/.default",
        "api://orders",
        "api://orders/Orders.Read",
        "api://a/.default api://b/.default",
        "https://graph.microsoft.com/.default",
        "00000003-0000-0000-C000-000000000000/.default",
    ],
)
def test_what_an_app_cannot_ask_for_is_no_scope(text: str) -> None:
    """Graph's is none of an API of one's own: leaving it out means Graph."""
    with pytest.raises(UsageError) as refused:
        read_scope(text)

    assert refused.value.code == "option_invalid"
    assert refused.value.hint
