"""What stays of an address, and what does not."""

from __future__ import annotations

import pytest

from entra_emulator.traffic.recording.address_redaction import replace_address
from entra_emulator.traffic.recording.pseudonyms import Pseudonyms
from entra_emulator.traffic.recording.vocabulary import list_public_ids
from tests.support.name_search import find_names

GRAPH = "https://graph.microsoft.com/v1.0"
PLANTED = ("Quillfeather", "Zsófia", "6e7b768e-07e2-4810-8459-485f84f8f204", "hushhush")


@pytest.mark.parametrize(
    "url",
    [
        f"{GRAPH}/users",
        f"{GRAPH}/users?$top=999&$select=id,displayName&$count=true",
        f"{GRAPH}/groups?$filter=groupTypes/any(c:c%20eq%20'Unified')",
        f"{GRAPH}/users?$filter=userType%20eq%20'Guest'%20and%20accountEnabled%20eq%20true",
        f"{GRAPH}/users?$filter=createdDateTime%20ge%202024-01-01T00:00:00Z",
        f"{GRAPH}/users?$expand=manager($levels=3;$select=id)",
        f"{GRAPH}/groups/delta",
        f"{GRAPH}/$metadata#users(id,displayName)/$entity",
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    ],
)
def test_what_stays(url: str) -> None:
    shown = replace_address(Pseudonyms(b"k"), url)
    assert shown.replace("%20", " ") == url.replace("%20", " ")


@pytest.mark.parametrize(
    "url",
    [
        f"{GRAPH}/users/zs%C3%B3fia.quillfeather%40contoso.com/memberOf",
        f"{GRAPH}/users('zs%C3%B3fia')/manager",
        f"{GRAPH}/users(userPrincipalName=%27zs%C3%B3fia%27)",
        f"{GRAPH}/users/6E7B768E-07E2-4810-8459-485F84F8F204",
        f"{GRAPH}/users?$filter=startswith(displayName,'Zs%C3%B3fia%20O''Quillfeather')",
        f'{GRAPH}/users?$filter=displayName eq "Quillfeather"',
        f"{GRAPH}/users?$filter=displayName eq 'Quillfeather",
        f"{GRAPH}/users?filter=displayName eq 'Quillfeather'",
        f'{GRAPH}/users?$search="displayName:Quillfeather" OR "mail:zs%C3%B3fia"',
        f"{GRAPH}/users?$orderby=quillfeather",
        f"{GRAPH}/users?$top=Quillfeather&$count=Quillfeather",
        f"{GRAPH}/users?$skiptoken=UXVpbGxmZWF0aGVy",
        f"{GRAPH}/users?$deltatoken=Quillfeather",
        f"{GRAPH}/users?login_hint=quillfeather&client_secret=hushhush",
        f"{GRAPH}/users?Quillfeather=1",
        f"{GRAPH}/sites/quillfeather.sharepoint.com:/sites/Zs%C3%B3fia:/drive",
        f"{GRAPH}/$metadata#users('quillfeather')/Zs%C3%B3fia",
        "https://quillfeather.example/users",
        "https://quillfeather:hushhush@graph.microsoft.com/v1.0",
        "mailto:quillfeather@contoso.com",
        "https://[quillfeather",
        "/groups/6e7b768e-07e2-4810-8459-485f84f8f204/members/$ref",
        "api://6e7b768e-07e2-4810-8459-485f84f8f204",
    ],
)
def test_what_does_not(url: str) -> None:
    shown = replace_address(Pseudonyms(b"k", list_public_ids()), url)
    assert find_names(PLANTED, shown.encode()) == []


def test_the_same_address() -> None:
    """A key is the same in a path, in a literal and in a link."""
    names = Pseudonyms(b"k")
    one = replace_address(names, f"{GRAPH}/users/ann%40contoso.com")
    other = replace_address(names, f"{GRAPH}/users('ann@contoso.com')")
    assert one.rpartition("/")[2] == other.partition("'")[2].partition("'")[0]
    links = {replace_address(names, f"{GRAPH}/users?$skiptoken=a{n % 2}") for n in range(4)}
    assert len(links) == 2
