"""The controls that show what was asked of the emulator, and how it was answered."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.audit import VERDICTS
from entra_emulator.control.guard import ControlRefusal, answer_json
from entra_emulator.graph.access.needed import list_needed
from entra_emulator.web.context import context_of

# One answer stays small, however long the log; `before` and `after` fetch the rest.
MOST_ENTRIES = 1000

_NAMES = ("app", "service", "verdict", "text")
_NUMBERS = ("before", "after", "limit")


async def list_audit(request: Request) -> Response:
    """List token and Graph requests, newest first: by `app`, `service`, `verdict` or `text`."""
    values = _read(request)
    entries = context_of(request).audit.entries(**values)
    shown = [entry.describe() | {"needed": list_needed(entry)} for entry in entries]
    return answer_json({"entries": shown})


async def clear_audit(request: Request) -> Response:
    """Forget what was asked."""
    context_of(request).audit.clear()
    return answer_json({"entries": []})


def _read(request: Request) -> dict[str, Any]:
    """
    The filters in the query string, by the arguments of `Audit.entries`.

    Raises:
        ControlRefusal: 400, there is no such filter, or it has no such value.
    """
    values: dict[str, Any] = {}
    for name, text in request.query_params.items():
        if name in _NUMBERS and text.isascii() and text.isdigit():
            values[name] = int(text)
        elif name in _NAMES:
            values[name] = text
        else:
            # If a misspelt filter was ignored, the log would show entries that nobody asked for.
            known = ", ".join((*_NAMES, *_NUMBERS))
            raise ControlRefusal(400, "bad_request", f"{name}={text!r}: there are {known}")
    if values.get("verdict") and values["verdict"] not in VERDICTS:
        raise ControlRefusal(400, "bad_request", f"a verdict is {' or '.join(VERDICTS)}")
    return values | {"limit": min(values.get("limit", 100), MOST_ENTRIES)}
