"""Claims of a token for reading, one a line."""

from collections.abc import Iterable

import click

from graphdaemon.diagnosis.token_claims import Claim

_LONGEST = 44


def print_claims(claims: Iterable[Claim]) -> None:
    """One claim a line: its name, what it says, what that means."""
    listed = list(claims)
    width = max((len(claim.name) for claim in listed), default=0)
    room = max((len(one.value) for one in listed if len(one.value) <= _LONGEST), default=0)
    for claim in listed:
        line = f"{claim.name:{width}}  {claim.value:{room}}  {claim.sentence}"
        click.echo(line.rstrip())
