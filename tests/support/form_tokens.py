"""Forms sent as from a page of the emulator, without a browser."""

from __future__ import annotations

import re

from tests.support.emulator_probe import Probe

PAGE = "/organizations/signin?next=/devicelogin"
_TOKEN = re.compile(r'name="token" value="([^"]+)"')


def show_form(probe: Probe, cookie: str = "") -> tuple[dict[str, str], dict[str, str]]:
    """The headers and the hidden fields of a form that a page has shown; a cookie is kept."""
    answer = probe.get(PAGE)
    token = _TOKEN.search(answer.body.decode())
    assert token is not None
    own = answer.headers["set-cookie"].partition(";")[0]
    return {"Cookie": "; ".join(filter(None, (cookie, own)))}, {"token": token[1]}
