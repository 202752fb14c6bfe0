"""What groups, devices and managers need to know about the users, who are given by number."""

from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from entra_emulator.content.seeding.draw import mix
from entra_emulator.model.records import Record

# The least and the most people that a manager has.
LEAST_REPORTS = 3
MOST_REPORTS = 12
# One of so many people has no manager.
UNMANAGED = 33

# Directory roles go to at most so many of the first members who can sign in.
MOST_ADMINISTRATORS = 20


class Workplace(NamedTuple):
    """A department in a city: all of it, or one floor."""

    department: str
    city: str
    floor: str | None = None


class Staff:
    """
    The users that were drawn so far, by number.

    Attributes:
        guests: the guests.
        members: all others.
        people: the members that are not accounts of services, oldest first.
        places: the people of each department and city, and of each floor there.
        administrators: the first members who can sign in.
        consumed: how many have each SKU, by its ID.
    """

    def __init__(self, seed: int) -> None:
        self.guests = array("q")
        self.members = array("q")
        self.people = array("q")
        self.places: dict[Workplace, array[int]] = {}
        self.administrators: list[int] = []
        self.consumed: dict[str, int] = {}
        self._seed = seed

    def note_each(self, records: Iterable[Record], first: int) -> Iterator[Record]:
        """The users, noted on the way; the first one has the number `first`."""
        for number, record in enumerate(records, first):
            self._add(number, record)
            yield record

    def list_managers(self) -> Iterator[tuple[int, int]]:
        """
        Every (person, manager) by number.

        The first person is above everybody, and who came earlier manages who came later: a
        directory with more users has the same tree, with more people below.
        """
        people, seed = self.people, self._seed
        boss, left = -1, 0
        for place in range(1, len(people)):
            if not left:
                boss += 1
                left = LEAST_REPORTS + mix(seed, boss) % (MOST_REPORTS - LEAST_REPORTS + 1)
            left -= 1
            # Another seed than for the sizes, or who has no manager would go with them.
            if mix(seed + 1, place) % UNMANAGED:
                yield people[place], people[boss]

    def pick_team(self, start: int, size: int) -> "array[int]":
        """That many people who came one after the other."""
        start %= max(1, len(self.people))
        return self.people[start : start + size]

    def _add(self, number: int, record: Record) -> None:
        if record["userType"] != "Member":
            self.guests.append(number)
            return
        self.members.append(number)
        if len(self.administrators) < MOST_ADMINISTRATORS and record["accountEnabled"]:
            self.administrators.append(number)
        if "department" in record:
            self.people.append(number)
            place = Workplace(record["department"], record["city"])
            self._settle(number, place)
            if "officeLocation" in record:
                self._settle(number, place._replace(floor=record["officeLocation"].split("/")[0]))
        for license_ in record.get("assignedLicenses", ()):
            sku = license_["skuId"]
            self.consumed[sku] = self.consumed.get(sku, 0) + 1

    def _settle(self, number: int, place: Workplace) -> None:
        numbers = self.places.get(place)
        if numbers is None:
            numbers = self.places[place] = array("q")
        numbers.append(number)
