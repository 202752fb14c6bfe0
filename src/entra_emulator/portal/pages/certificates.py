"""Certificates: the list with their thumbprints, an upload, and the end of one."""

import base64
import re

from starlette.responses import Response

from entra_emulator.graph.write.rules import find_rule
from entra_emulator.portal.amend import amend, try_to_amend
from entra_emulator.portal.application import Registration, find_registration
from entra_emulator.portal.credential_tabs import (
    describe_entry,
    find_entry,
    render_credentials,
    render_removal,
)
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import Visit

LONGEST = find_rule("keyCredential").lengths["displayName"]
# A certificate has one or two kilobytes.
LARGEST = 32_768

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def list_certificates(visit: Visit) -> Response:
    """`GET …/credentials/certificates`: the application's certificates."""
    app = find_registration(visit)
    digests = {
        one.key_id: one.thumbprint_sha256 for one in visit.directory.certificates(app.app_id)
    }
    rows = [
        describe_entry(visit, entry) | {"sha256": digests.get(entry["keyId"], "")}
        for entry in app.record["keyCredentials"]
    ]
    return render_credentials(visit, app, "certificates", rows=rows)


def ask_certificate(visit: Visit) -> Response:
    """`GET …/credentials/certificates/new`: a file, and what it is for."""
    return _show_form(visit, find_registration(visit), "", {})


def add_certificate(visit: Visit) -> Response:
    """`POST …/credentials/certificates/new`: the certificate proves who the application is."""
    app = find_registration(visit)
    description, content = visit.form.get("description"), visit.form.files.get("certificate", b"")
    errors = _check(visit, description, content)
    if errors:
        return _show_form(visit, app, description, errors)
    found = _PEM.search(content)
    item = {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": base64.b64encode(found[0] if found else content).decode(),
        "displayName": description or None,
    }
    wanted = [*app.record["keyCredentials"], item]
    if try_to_amend(visit, app, {"keyCredentials": wanted}) is not None:
        errors = {"certificate": visit.say("certificates.unreadable")}
        return _show_form(visit, app, description, errors)
    visit.notify("certificates.added")
    return go_to(visit.at("applications", app.app_id, "credentials", "certificates"))


def ask_removal(visit: Visit) -> Response:
    """`GET …/credentials/certificates/{key}/delete`: whether it is really to go."""
    app = find_registration(visit)
    entry = find_entry(app, "keyCredentials", visit.key("key"))
    lead = visit.say("certificates.delete_lead", name=entry["displayName"] or entry["keyId"])
    return render_removal(visit, app, "certificates", visit.say("certificates.delete_title"), lead)


def remove_certificate(visit: Visit) -> Response:
    """`POST …/credentials/certificates/{key}/delete`: what its key signs is refused."""
    app = find_registration(visit)
    gone = find_entry(app, "keyCredentials", visit.key("key"))
    kept = [entry for entry in app.record["keyCredentials"] if entry is not gone]
    amend(visit, app, {"keyCredentials": kept})
    visit.notify("certificates.removed", name=gone["displayName"] or gone["keyId"])
    return go_to(visit.at("applications", app.app_id, "credentials", "certificates"))


def _check(visit: Visit, description: str, content: bytes) -> dict[str, str]:
    """What is wrong with which field, as far as that can be told without reading the file."""
    errors = {}
    if len(description) > LONGEST:
        errors["description"] = visit.say("credentials.long", most=LONGEST)
    if not content:
        errors["certificate"] = visit.say("certificates.missing")
    elif len(content) > LARGEST:
        errors["certificate"] = visit.say("certificates.large", most=LARGEST // 1024)
    elif b"PRIVATE KEY-----" in content:
        errors["certificate"] = visit.say("certificates.private")
    return errors


def _show_form(
    visit: Visit, app: Registration, description: str, errors: dict[str, str]
) -> Response:
    return render(
        visit,
        "certificate_new.html",
        status=400 if errors else 200,
        app=app,
        description=description,
        errors=errors,
        longest=LONGEST,
    )
