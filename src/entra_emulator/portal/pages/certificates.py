"""Certificates: the list with their thumbprints, an upload, and a removal."""

import base64

from starlette.responses import Response

from entra_emulator.graph.write.rules import find_rule
from entra_emulator.portal.application import (
    ApplicationView,
    go_to_application,
    try_update,
    update_application,
)
from entra_emulator.portal.credential_tabs import (
    describe_entry,
    find_entry,
    render_credentials,
    render_removal,
)
from entra_emulator.portal.routes import application_page
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

LONGEST = find_rule("keyCredential").lengths["displayName"]
# Bytes. A certificate has one or two thousand.
LARGEST = 32_768

_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


@application_page("GET", "credentials/certificates")
def list_certificates(request: PageRequest, app: ApplicationView) -> Response:
    """List the application's certificates."""
    digests = {
        certificate.key_id: certificate.thumbprint_sha256
        for certificate in request.directory.credentials.list_certificates(app.app_id)
    }
    rows = [
        describe_entry(request, entry) | {"sha256": digests.get(entry["keyId"], "")}
        for entry in app.record["keyCredentials"]
    ]
    return render_credentials(request, app, "certificates", rows=rows)


@application_page("GET", "credentials/certificates/new")
def show_certificate_form(request: PageRequest, app: ApplicationView) -> Response:
    """Show the form for a file and its description."""
    return _show_form(request, app, "", {})


@application_page("POST", "credentials/certificates/new")
def add_certificate(request: PageRequest, app: ApplicationView) -> Response:
    """Add the certificate, with which the application can prove its identity."""
    description = request.form.get("description")
    content = request.form.files.get("certificate", b"")
    errors = _check(request, description, content)
    if errors:
        return _show_form(request, app, description, errors)
    # Of a chain the first: by convention it is the one whose key signs.
    begin = content.find(_BEGIN)
    end = content.find(_END, begin)
    pem = content[begin : end + len(_END)] if 0 <= begin < end else content
    credential = {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": base64.b64encode(pem).decode(),
        "displayName": description or None,
    }
    credentials = [*app.record["keyCredentials"], credential]
    # The file must be the cause, and Graph's message names a property that this page does not show.
    if try_update(request, app, {"keyCredentials": credentials}) is not None:
        errors = {"certificate": request.say("certificates.unreadable")}
        return _show_form(request, app, description, errors)
    request.notify("certificates.added")
    return go_to_application(request, app, "credentials", "certificates")


@application_page("GET", "credentials/certificates/{key}/delete")
def confirm_removal(request: PageRequest, app: ApplicationView) -> Response:
    """Ask whether to delete the certificate."""
    entry = find_entry(app, "keyCredentials", request.param("key"))
    return render_removal(request, app, "certificates", entry["displayName"] or entry["keyId"])


@application_page("POST", "credentials/certificates/{key}/delete")
def remove_certificate(request: PageRequest, app: ApplicationView) -> Response:
    """Delete the certificate; assertions that it signs are refused from now on."""
    removed = find_entry(app, "keyCredentials", request.param("key"))
    others = [entry for entry in app.record["keyCredentials"] if entry is not removed]
    update_application(request, app, {"keyCredentials": others})
    request.notify("certificates.removed", name=removed["displayName"] or removed["keyId"])
    return go_to_application(request, app, "credentials", "certificates")


def _check(request: PageRequest, description: str, content: bytes) -> dict[str, str]:
    """What is wrong with which field; Graph decides whether the file is a certificate."""
    errors = {}
    if len(description) > LONGEST:
        errors["description"] = request.say("credentials.long", most=LONGEST)
    if not content:
        errors["certificate"] = request.say("certificates.missing")
    elif len(content) > LARGEST:
        errors["certificate"] = request.say("certificates.large", most=LARGEST // 1024)
    # A private key is refused: the public half is enough, and the key would stay in the directory.
    elif b"PRIVATE KEY-----" in content:
        errors["certificate"] = request.say("certificates.private")
    return errors


def _show_form(
    request: PageRequest, app: ApplicationView, description: str, errors: dict[str, str]
) -> Response:
    return render(
        request,
        "certificate_new.html",
        app=app,
        description=description,
        errors=errors,
        longest=LONGEST,
    )
