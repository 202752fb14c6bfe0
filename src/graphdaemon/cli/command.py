"""A command that accepts each option only once."""

from collections import Counter

import click


class StrictCommand(click.Command):
    """
    A command that refuses an option with one value that is given twice.

    By default, click silently uses the last one, and the first is lost.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, after looking for options that contradict each other."""
        if not ctx.resilient_parsing:  # a shell completes a line that is not finished
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            refuse_repeated(ctx, [one for one in given if isinstance(one, click.Option)])
        return super().parse_args(ctx, args)


class StrictGroup(click.Group):
    """A group of such commands."""

    command_class = StrictCommand


def refuse_repeated(context: click.Context, given: list[click.Option]) -> None:
    """
    Refuse options that have one value, and were given several.

    Raises:
        click.UsageError: One of `given`, which are in the order of the command line, is there
            twice, or two of them decide the same.
    """
    seen: dict[str | None, click.Option] = {}
    for option in given:
        if option.multiple or option.count:
            continue
        other = seen.setdefault(option.name, option)
        if other is not option:
            raise click.UsageError(
                f"{_name(other)} and {_name(option)} exclude each other. Give only one of them.",
                context,
            )
    # A flag that is given twice says twice the same.
    valued = [one for one in given if not (one.multiple or one.count or one.is_flag)]
    for option, count in Counter(valued).items():
        if count > 1:
            raise click.UsageError(
                f"{_name(option)} is given more than once. Give it once.", context
            )


def _name(option: click.Option) -> str:
    return max(option.opts, key=len)
