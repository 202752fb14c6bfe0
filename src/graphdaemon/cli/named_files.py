"""
The files that a command line names, compared with one another before any of them is opened.

Every option and argument that is a path has the type `FileName`, which says whether the file is
read or written, or `FolderName`; the files that the settings name are added by `load_settings`. Two
names of one file are refused where one of them is written.
"""

import os
import stat
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from graphdaemon.cli import terminal
from graphdaemon.errors import UsageError

if TYPE_CHECKING:
    from graphdaemon.settings.model import Settings

_KEY = "graphdaemon.named_files"
# The settings whose files are written; those of all others are only read.
_WRITTEN_SETTINGS = ("budget_file",)


class NamedFile(NamedTuple):
    """
    A file, and what names it.

    Attributes:
        label: The option, argument or setting that names it.
        place: Its path, or the number of an open descriptor.
        written: It may be written, replaced or removed; False for one that is only read.
    """

    label: str
    place: Path | int
    written: bool


class FileName(click.Path):
    """
    The type of a parameter that names a file.

    Args:
        written: It may be written, replaced or removed; False if it is only read.
        beside: Endings of files that are written beside it, under its name.
        rules: As `click.Path` takes them.
    """

    def __init__(self, *, written: bool, beside: tuple[str, ...] = (), **rules: Any) -> None:
        super().__init__(path_type=Path, **rules)
        self.written = written
        self.beside = beside

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Convert the text, and compare the path with those that were named before."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if ctx is not None and param is not None and not ctx.resilient_parsing:
            name = name_parameter(ctx, param)
            add_file(ctx, name, path, written=self.written)
            for ending in self.beside:
                label = f"the {ending} file beside {name}"
                add_file(ctx, label, path.with_suffix(ending), written=True)
        return path


class FolderName(click.Path):
    """The type of a parameter that names a folder; what is in it is recognised by its content."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, file_okay=False)


def add_file(context: click.Context, label: str, path: Path, *, written: bool) -> None:
    """
    Note that `label` names a file, and compare it with those that were named before.

    Raises:
        UsageError: It is the same file as another, and one of them is written.
    """
    if str(path) != "-":
        _add(context, [NamedFile(label, path, written)])


def add_stdout(context: click.Context) -> None:
    """
    Note that standard output is written, which a shell may have sent into a file.

    Raises:
        UsageError: It is the same file as another.
    """
    descriptor = terminal.output_descriptor()
    if descriptor is not None:
        _add(context, [NamedFile("standard output", descriptor, written=True)])


def add_settings(
    context: click.Context, settings: "Settings", *, replaced: Container[str] = ()
) -> None:
    """
    Note the files that the settings name; of those called `replaced` the file is written.

    Raises:
        UsageError: One is the same file as another, and one of them is written.
    """
    named = []
    for label, path in settings.files:
        name = label.split()[0]
        written = name in _WRITTEN_SETTINGS or name in replaced
        named.append(NamedFile(label, path, written))
    _add(context, named)


def load_settings(
    file: str | os.PathLike[str] | None,
    *,
    replaced: Container[str] = (),
    overrides: Mapping[str, object] | None = None,
) -> "Settings":
    """
    Read the settings of a command, and compare the files that they name with all others.

    `overrides` are options of the command line, and beat the file and the environment.

    Raises:
        SettingsError: They cannot be used.
        UsageError: One file has two names, and one of them is written.
    """
    # Imported here, since options are built at each start.
    from graphdaemon.settings.read import read_settings

    settings = read_settings(file, overrides=overrides)
    add_settings(click.get_current_context(), settings, replaced=replaced)
    return settings


def name_parameter(context: click.Context, parameter: click.Parameter) -> str:
    """What people call a parameter: `--output`, `PARAMETERS`."""
    if isinstance(parameter, click.Argument):
        return parameter.make_metavar(context).strip("[].")
    return max(parameter.opts, key=len)


def _add(context: click.Context, named: Iterable[NamedFile]) -> None:
    files: list[NamedFile] = context.meta.setdefault(_KEY, [])
    for file in named:
        for other in files:
            if (file.written or other.written) and _is_same(file.place, other.place):
                raise UsageError(
                    f"{other.label} and {file.label} are the same file: {_show(other, file)}",
                    code="paths_conflict",
                    hint="Name another file for one of them.",
                )
        files.append(file)


def _show(one: NamedFile, other: NamedFile) -> str:
    paths = [str(file.place.absolute()) for file in (one, other) if isinstance(file.place, Path)]
    return " and ".join(dict.fromkeys(paths))


def _is_same(one: Path | int, other: Path | int) -> bool:
    first, second = _look_at(one), _look_at(other)
    if first is not None and second is not None:
        # A device or a pipe has nothing that could be lost.
        return os.path.samestat(first, second) and stat.S_ISREG(first.st_mode)
    if first is not None or second is not None or isinstance(one, int) or isinstance(other, int):
        return False
    return _has_same_name(one, other)


def _look_at(place: Path | int) -> os.stat_result | None:
    try:
        return os.stat(place)  # noqa: PTH116  a Path knows no descriptor
    except (OSError, ValueError):
        return None


def _has_same_name(one: Path, other: Path) -> bool:
    """Whether two paths without a file would be one file, on whatever file system."""
    first, second = (Path(os.path.realpath(path)) for path in (one, other))
    folders = _look_at(first.parent), _look_at(second.parent)
    same_folder = (
        os.path.samestat(folders[0], folders[1])
        if folders[0] is not None and folders[1] is not None
        else first.parent == second.parent
    )
    return same_folder and _fold(first.name) == _fold(second.name)


def _fold(name: str) -> str:
    """A name as file systems compare it that know neither case nor ways of writing an accent."""
    import unicodedata

    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
