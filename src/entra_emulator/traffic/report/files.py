"""A report as the content of a file: JSON, a page of HTML, or text, by the file's name."""

from pathlib import PurePath

import msgspec

from entra_emulator.traffic.report.finding import RULES
from entra_emulator.traffic.report.report import Report
from entra_emulator.traffic.report.text import write_lines
from entra_emulator.web.pages.render import render_document

ENDINGS = (".json", ".html", ".txt")


def write_report(report: Report, ending: str) -> bytes:
    """The report as the content of a file with this ending, one of ENDINGS."""
    if ending == ".json":
        return msgspec.json.format(msgspec.json.encode(report.to_object()), indent=2) + b"\n"
    if ending == ".html":
        return render_document("report.html", report=report, rules=RULES).encode()
    return "".join(f"{line}\n" for line in write_lines(report)).encode()


def check_name(name: str) -> str:
    """
    The ending of a name, which says what the file is.

    Raises:
        ValueError: it is none of ENDINGS.
    """
    ending = PurePath(name).suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"a report's file ends in {', '.join(ENDINGS)}: {name} does not")
    return ending
