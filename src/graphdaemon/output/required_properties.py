"""
Check that the properties which options name occur in the records.

For an API without published properties, such as a company's own, a misspelt name would otherwise
give an empty result that looks right.
"""

from collections.abc import Iterable, Sequence

import msgspec

from graphdaemon.errors import UsageError
from graphdaemon.output.fields import Record
from graphdaemon.settings.known_names import suggest

# How many names in the records are remembered, to suggest the one that may have been meant.
_MOST_NAMES = 500


class RequiredProperties:
    """
    Looks for properties in records, until each has occurred in one of them.

    Args:
        named: The name of each property, with the option that names it.
    """

    def __init__(self, named: Iterable[tuple[str, str]]) -> None:
        self._missing = dict(named)
        self._names: dict[str, None] = {}

    def look(self, records: Sequence[Record]) -> None:
        """Look for the properties in some records."""
        for record in records:
            if not self._missing:
                return
            if bytes(record).lstrip().startswith(b"{"):
                names = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
                self._missing = {
                    name: option for name, option in self._missing.items() if name not in names
                }
                if len(self._names) < _MOST_NAMES:
                    self._names |= dict.fromkeys(names)

    def refuse(self) -> None:
        """
        Raise an error if one of the properties occurs in no record, unless there was no record.

        Raises:
            UsageError: A property occurs in none of the records.
        """
        for name, option in self._missing.items():
            if self._names:
                raise UsageError(
                    f"{option}: no record has a property {name}",
                    code="option_invalid",
                    hint=suggest(name, self._names)
                    or f"Add it to --select if the service has it, or correct {option}.",
                )
