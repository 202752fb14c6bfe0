"""`graphdaemon explain`: explain an error or a token, offline."""

import json
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from graphdaemon.cli import terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.pasted_text import decode_pasted
from graphdaemon.diagnosis.token_claims import Claim

if TYPE_CHECKING:
    from graphdaemon.diagnosis.explain import ExplainedText

_ALIGNED_CELLS = 44
"""Values up to this length are aligned; a longer one would push every sentence off the line."""

# A journal of a day may be piped in whole.
_MOST_BYTES = 1 << 26


@click.command(cls=StrictCommand)
@click.argument("words", nargs=-1, metavar="[CODE]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def explain(*, words: tuple[str, ...], as_json: bool) -> int:
    """
    Explain an error or a token, offline.

    CODE is an AADSTS number, or an error code of Graph or of graphdaemon. Without it, or with -,
    standard input is read: an error as JSON, lines of a log, or a token. Nothing is sent anywhere.
    """
    text = " ".join(words)
    if any("." in word.partition("eyJ")[2] for word in words):
        raise click.UsageError(
            "Do not write a token on a command line, where others can see it. Give it on stdin."
        )
    if words in ((), ("-",)):
        # Whoever writes - may type or paste the text.
        if sys.stdin is None or (not words and sys.stdin.isatty()):
            raise click.UsageError("Give a code, or an error, a line of a log or a token on stdin.")
        content = sys.stdin.buffer.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise click.UsageError(
                "There is more than 64 MB on stdin. Give a part of it, such as the last lines of "
                "a log: tail -n 10000 FILE | graphdaemon explain"
            )
        text = decode_pasted(content)
    # Its tables take long to load, and `graphdaemon token` needs only how claims are printed.
    from graphdaemon.diagnosis.explain import explain as explain_text

    explained = explain_text(text, time.time())
    if as_json:
        terminal.print_lines(json.dumps(_describe(explained), indent=2, ensure_ascii=False))
    else:
        _print(explained)
    return 0 if explained.explanations else 2


def _describe(explained: "ExplainedText") -> dict[str, object]:
    return explained._asdict() | {
        "explanations": [
            explanation._asdict() | {"claims": [claim._asdict() for claim in explanation.claims]}
            for explanation in explained.explanations
        ]
    }


def _print(explained: "ExplainedText") -> None:
    if not explained.explanations:
        terminal.print_line(
            "It contains nothing that is known here: no AADSTS number, no error of Graph, of the "
            "network or of graphdaemon, and no token."
        )
        terminal.print_line(
            "Try: Give the whole answer, or the line of the log that contains the number."
        )
    ids = (("Correlation ID", explained.correlation_id), ("Request ID", explained.request_id))
    for number, explanation in enumerate(explained.explanations):
        if number:
            terminal.print_line()
        terminal.print_line(f"{explanation.subject}: {explanation.meaning}")
        print_claims(explanation.claims)
        for label, value in ids:
            if value and not explanation.claims:
                terminal.print_line(f"{label}: {value}")
        terminal.print_line(f"Try: {explanation.step}")


def print_claims(claims: Iterable[Claim]) -> None:
    """Print one claim a line: its name, its value, and a sentence that says what it means."""
    rows = list(claims)
    names = max((len(row.name) for row in rows), default=0)
    values = max((len(row.value) for row in rows if len(row.value) <= _ALIGNED_CELLS), default=0)
    for row in rows:
        terminal.print_line(f"{row.name:{names}}  {row.value:{values}}  {row.sentence}".rstrip())
