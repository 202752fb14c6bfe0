"""An application that a person signs in to, and how a real browser carries the answer to it."""

from urllib.parse import parse_qs, urlencode

import pytest
from playwright.sync_api import Browser, Request, Route

from entra_emulator.server.emulator import Emulator
from tests.support.browser_person import Person
from tests.support.user_flows import WEB, ordinary


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_form_post(chromium: Browser, emulator: Emulator, script: bool) -> None:
    """The page with the answer sends its form by itself, or by its button where no script runs."""
    tenant, user = emulator.tenant, ordinary(emulator)
    app = emulator.directory.applications.register(tenant, "Orders web", redirect_uris=(WEB,))
    query = {
        "client_id": app.app_id,
        "response_type": "code",
        "response_mode": "form_post",
        "redirect_uri": WEB,
        "scope": "User.Read",
        "state": '"><b>',
    }
    posted: list[Request] = []

    def receive(route: Route) -> None:
        posted.append(route.request)
        route.fulfill(body="signed in", content_type="text/plain")

    with Person.at(chromium, emulator, script=script) as person:
        person.page.route(WEB, receive)
        person.open(f"/{tenant.id}/oauth2/v2.0/authorize?{urlencode(query)}")
        person.page.fill("#q", user)
        person.page.press("#q", "Enter")
        person.page.locator(".people button", has_text=user).first.click()
        person.press("Accept")
        if not script:
            person.press("Continue")
        person.page.wait_for_url(WEB)

    fields = parse_qs(posted[0].post_data or "")
    assert [request.method for request in posted] == ["POST"]
    assert fields["state"] == ['"><b>']
    assert fields["code"][0].startswith("1.AX")
