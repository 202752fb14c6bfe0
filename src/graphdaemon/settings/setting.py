"""One setting: its row in the table, its value with its source, and secret values."""

from typing import Any, NamedTuple

Layer = dict[str, tuple[Any, str]]
"""Settings by name, each with the name of its source."""


class Setting(NamedTuple):
    """
    One row of the settings table, from which the reference page is made.

    Attributes:
        name: The key in the file.
        form: What the value looks like. A relative `file` or `folder` starts at the folder of the
            settings file. A `secret` is never shown.
        meaning: What it is for.
        default: What applies if the setting is not given, in the words of the reference page.
        azure: The variable of Azure's own programs from which it is read as well.
        variable: Its own variable, named after the key by default; None if there is none.
    """

    name: str
    form: str
    meaning: str
    default: str = ""
    azure: str = ""
    variable: str | None = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that it is read from."""
        own = f"GRAPHDAEMON_{self.name.upper()}" if self.variable == "" else self.variable
        return tuple(name for name in (own, self.azure) if name)


class Secret:
    """A text that is shown only by an explicit call of `reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        # Always as many stars, so that not even the length is told.
        return "Secret('**********')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)
