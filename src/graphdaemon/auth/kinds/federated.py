"""A federated credential: a token of the platform on which the app runs proves its identity."""

import contextlib
import os
import subprocess
from pathlib import Path
from urllib.parse import quote

from graphdaemon.auth.client_credential import ClientCredential, Exchange
from graphdaemon.errors import SettingsError
from graphdaemon.received.json import decode_object
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.file_content import read_small_file
from graphdaemon.settings.model import Settings
from graphdaemon.settings.text import clean, decode_text

# The value that "Workload identity federation" on learn.microsoft.com recommends.
AUDIENCE = "api://AzureADTokenExchange"
# Where the webhook of azure-workload-identity puts the token into a pod.
_WEBHOOK_FILE = Path("/var/run/secrets/azure/tokens/azure-identity-token")
_COMMAND_TIMEOUT_S = 30
_GITHUB = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")


def read(_settings: Settings, credential: CredentialSettings) -> ClientCredential:
    """
    Return a credential whose assertion is the platform's token.

    It is read again for each request, because it is valid only for a short time and the platform
    replaces it. Reading raises `SettingsError` if there is no token, and `NetworkError` if GitHub
    cannot be reached.
    """
    return ClientCredential(
        credential.kind,
        credential.source,
        assertion=lambda _, exchange: _fetch_assertion(credential, exchange),
    )


def _fetch_assertion(credential: CredentialSettings, exchange: Exchange) -> str:
    if credential.federated_command is not None:
        return _run(credential.federated_command)
    if credential.federated == "github":
        return _ask_github(exchange)
    path = credential.federated_token_file
    if path is None:
        path = Path(os.environ.get("AZURE_FEDERATED_TOKEN_FILE") or _WEBHOOK_FILE)
    return _checked(_read(path), str(path))


def _read(path: Path) -> str:
    try:
        return decode_text(read_small_file(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a token"
        raise _unavailable(
            f"the platform's token in {path} cannot be read: {reason}",
            "Check federated_token_file. In Kubernetes, the pod needs the label "
            "azure.workload.identity/use: true.",
        ) from None


def _ask_github(exchange: Exchange) -> str:
    address, token = (os.environ.get(name) for name in _GITHUB)
    if not address or not token:
        raise _unavailable(
            f"federated is github, but {_GITHUB[0]} is not set",
            "Add `permissions: id-token: write` to the workflow's job. Outside GitHub Actions "
            "there is no such token.",
        )
    separator = "&" if "?" in address else "?"
    response = exchange(
        "GET",
        f"{address}{separator}audience={quote(AUDIENCE, safe='')}",
        {"Authorization": f"Bearer {token}", "Accept": "application/json"},
    )
    value = (decode_object(response.body) or {}).get("value")
    if response.status != 200 or not isinstance(value, str):
        raise _unavailable(
            f"GitHub Actions gave no token (HTTP {response.status})",
            "Check the job's `permissions: id-token: write`.",
        )
    return _checked(value, "GitHub Actions")


def _run(command: tuple[str, ...]) -> str:
    name = command[0] if command else ""
    try:
        done = subprocess.run(  # noqa: S603  the settings name it; there is no shell
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        problem = f"did not end within {_COMMAND_TIMEOUT_S} s"
    except (OSError, ValueError, IndexError) as error:
        problem = f"could not be started: {getattr(error, 'strerror', None) or error}"
    else:
        if done.returncode == 0:
            return _checked(_decode(done.stdout), f"federated_command {name}")
        problem = f"ended with exit code {done.returncode}"
    # What it printed may hold the token, or the credentials it works with: neither is repeated.
    raise _unavailable(
        f"federated_command {name} {problem}", "Run it by hand. It must print only the token."
    )


def _decode(output: bytes) -> str:
    # What is no text is no token either, and refused as such.
    with contextlib.suppress(UnicodeDecodeError):
        return decode_text(output)
    return ""


def _checked(token: str, source: str) -> str:
    token = clean(token)
    if token.count(".") == 2 and token.isascii() and token.isprintable() and " " not in token:
        return token
    raise _unavailable(
        f"what {source} gave is not a token (a JWT: three parts with dots between them)",
        "Make it print only the token, without JSON or other text around it.",
    )


def _unavailable(message: str, hint: str) -> SettingsError:
    return SettingsError(message, code="assertion_unavailable", hint=hint)
