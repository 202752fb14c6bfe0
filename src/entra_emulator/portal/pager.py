"""From page to page of a long list: where a page begins, in its address."""

import base64
import binascii
from urllib.parse import urlencode

import msgspec

from entra_emulator.directory.search import Place
from entra_emulator.web.pages.request import Visit

_read = msgspec.json.Decoder(Place).decode


def find_start(visit: Visit) -> tuple[Place | None, bool]:
    """Where the page begins, and whether it ends there instead; an address that is none begins."""
    text = visit.query("start")
    try:
        place = _read(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None, False
    return place, visit.query("back") == "yes"


def turn_page(visit: Visit, place: Place | None, *, back: bool = False) -> str | None:
    """The address of the page before or behind this one, if there is one."""
    if place is None:
        return None
    start = base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")
    kept = {name: text for name, text in visit.request.query_params.items() if name != "start"}
    kept.pop("back", None)
    options = kept | {"start": start} | ({"back": "yes"} if back else {})
    return f"{visit.request.url.path}?{urlencode(options)}"
