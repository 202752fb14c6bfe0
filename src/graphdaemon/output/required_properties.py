"""
Properties that an option names, and that some record has to have.

Where nobody publishes which properties there are, as of an API of one's own, a misspelt name is an
empty result that looks like a true one.
"""

from collections.abc import Iterable, Sequence

import msgspec

from graphdaemon.errors import UsageError
from graphdaemon.output.fields import Record
from graphdaemon.settings.known_names import suggest

# As many names are kept to tell which one may have been meant.
_MOST_NAMES = 500


class RequiredProperties:
    """
    Looks in records for properties, until it has met each of them.

    Args:
        named: The properties, each with the option that names it.
    """

    def __init__(self, named: Iterable[tuple[str, str]]) -> None:
        self._missing = dict(named)
        self._names: dict[str, None] = {}

    def look(self, records: Sequence[Record]) -> None:
        """Look at some records."""
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
        Refuse a property that none of the records has; where there were none, all is well.

        Raises:
            UsageError: There is such a property.
        """
        for name, option in self._missing.items():
            if self._names:
                raise UsageError(
                    f"{option}: no record has a property {name}",
                    code="option_invalid",
                    hint=suggest(name, self._names)
                    or f"Add it to --select if the service has it, or correct {option}.",
                )
