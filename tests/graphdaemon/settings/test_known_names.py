"""Which name a misspelt one may be meant to be."""

import pytest

from graphdaemon.settings.known_names import find_near, suggest

KNOWN = ("users", "groups", "servicePrincipals")


@pytest.mark.parametrize(
    ("name", "near"),
    [("user", "users"), ("USRES", "users"), ("ServicePrincipal", "servicePrincipals"), ("x", None)],
)
def test_the_nearest_name_is_found_whatever_its_case(name: str, near: str | None) -> None:
    assert find_near(name, KNOWN) == near
    assert suggest(name, KNOWN) == (f"Did you mean {near}?" if near else None)


def test_the_cutoff_decides_how_near_a_name_must_be() -> None:
    assert find_near("grps", KNOWN) == "groups"
    assert find_near("grps", KNOWN, cutoff=0.85) is None
