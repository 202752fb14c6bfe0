"""From page to page of a long list: where a page begins, in its address."""

import base64
import binascii
from urllib.parse import urlencode

import msgspec

from entra_emulator.directory.search import Place
from entra_emulator.web.pages.request import PageRequest

_read = msgspec.json.Decoder(Place).decode


def find_start(request: PageRequest) -> tuple[Place | None, bool]:
    """Where the page begins, and whether it ends there instead; an address that is none begins."""
    text = request.query("start")
    try:
        place = _read(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None, False
    return place, request.query("back") == "yes"


def turn_page(request: PageRequest, place: Place | None, *, back: bool = False) -> str | None:
    """The address of the page before or behind this one, if there is one."""
    if place is None:
        return None
    start = base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")
    kept = {name: text for name, text in request.http.query_params.items() if name != "start"}
    kept.pop("back", None)
    options = kept | {"start": start} | ({"back": "yes"} if back else {})
    return f"{request.http.url.path}?{urlencode(options)}"
