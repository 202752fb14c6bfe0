"""Answers that are not of the shape that Graph gives them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.errors import Error, GraphError
from graphdaemon.http.response import Response
from graphdaemon.http.transport import Transport
from graphdaemon.registration.shapes import ApplicationShape, NewSecretShape, check_shape
from tests.support.register_tenant import Site, make_site

# Of the token service, which checks assertions made with short keys.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")

ODD_VALUES: tuple[object, ...] = (
    None,
    "",
    5,
    [5],
    [None],
    {},
    [{}],
    [{"id": 5, "keyId": 5, "endDateTime": 5}],
)


class Altering(Transport):
    """
    Alters one property of one of Graph's answers; `altered` is the number of the answer.

    Attributes:
        properties: The names of the properties of each answer so far; those of its records.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.properties: list[list[str]] = []
        self.altered: tuple[int, str, object] | None = None

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        taken: list[Any] | None = None,
        *,
        repeatable: bool | None = None,
    ) -> Response:
        response = super().exchange(method, url, headers, body, taken, repeatable=repeatable)
        if "/v1.0/" not in url or not response.body:
            return response
        content = json.loads(response.body)
        records = content.get("value", [content])
        self.properties.append(sorted({name for record in records for name in record}))
        if self.altered is not None and self.altered[0] == len(self.properties):
            for record in records:
                record[self.altered[1]] = self.altered[2]
        return Response(response.status, response.headers, json.dumps(content).encode())


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(users=1, throttle=False, token_lifetime=10**8) as emulator:
        yield emulator


@pytest.fixture
def site(running: Emulator, tmp_path: Path) -> Iterator[Site]:
    """A folder from which an app was registered."""
    transport = Altering(ca_file=running.ca_file, timeout=60)
    made = make_site(running, tmp_path, transport)
    made.register(kind="secret")
    transport.properties.clear()
    yield made
    made.close()


def test_whatever_graph_shows_a_plan_is_made_or_an_error_says_why_not(site: Site) -> None:
    """Each property of each answer takes each odd value once; no other exception comes out."""
    transport = site.transport
    assert isinstance(transport, Altering)
    site.plan()
    answers = list(transport.properties)
    trials = [
        (number, name, value)
        for number, names in enumerate(answers, 1)
        for name in names
        for value in ODD_VALUES
    ]

    refusals = []
    for transport.altered in trials:
        transport.properties.clear()
        try:
            site.plan()
        except Error as error:
            refusals.append(error)

    assert len(trials) > 150
    assert len(refusals) > len(trials) / 4
    # Where no role is offered, there is none of that name.
    assert {error.code for error in refusals} == {"page_malformed", "option_invalid"}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({}, "missing required field `keyId`"),
        ({"keyId": "k"}, "missing required field `secretText`"),
        ({"keyId": "k", "secretText": ""}, "length >= 1 - at `$.secretText`"),
        ({"keyId": "k", "secretText": 5}, "Expected `str`, got `int` - at `$.secretText`"),
    ],
)
def test_an_answer_of_another_shape_is_refused_by_the_name_of_the_property(
    answer: dict[str, Any], problem: str
) -> None:
    """Its path is said without the options, and none of its values."""
    with pytest.raises(GraphError) as caught:
        check_shape(answer, NewSecretShape, "/applications/5/addPassword?$select=x")

    assert caught.value.code == "page_malformed"
    assert str(caught.value).startswith("/applications/5/addPassword: the answer is not what")
    assert problem in str(caught.value)


def test_what_graph_shows_beyond_the_shape_does_not_matter() -> None:
    """Graph adds properties at any time; and null stands for a list that is empty."""
    check_shape({"id": "1", "appId": "2", "tags": None, "new": 5}, ApplicationShape, "/x")
