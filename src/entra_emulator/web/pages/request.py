"""One request to the portal, as its pages get it."""

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from entra_emulator.directory.directory import Directory
from entra_emulator.model.records import Record, Tenant
from entra_emulator.web.context import Context
from entra_emulator.web.pages.forms import Form
from entra_emulator.web.pages.notices import Notice, Notices
from entra_emulator.web.pages.texts import say
from entra_emulator.web.session import SignedIn

PREFIX = "/portal"


@dataclass(frozen=True)
class Visit:
    """
    A request by somebody's browser.

    Args:
        request: as it was sent.
        context: what the emulator works with.
        language: the one to answer in.
        who: who is signed in, if anybody is.
        session: the secret of the browser's session; empty when nobody is signed in.
        form: what was sent, if anything was.
        notices: what pages tell the pages after them.
    """

    request: Request
    context: Context
    language: str
    who: SignedIn | None
    session: str
    form: Form
    notices: Notices

    @property
    def signed_in(self) -> SignedIn:
        """Who is signed in; pages that everybody may see ask `who`."""
        assert self.who is not None, "nobody gets here without signing in"
        return self.who

    @property
    def directory(self) -> Directory:
        """Every tenant's objects."""
        return self.context.directory

    @property
    def tenant(self) -> Tenant:
        """The tenant of who is signed in, which is the one in the address."""
        return self.signed_in.tenant

    @property
    def user(self) -> Record:
        """Who is signed in."""
        return self.signed_in.user

    @property
    def token(self) -> str:
        """What every form of this session brings back, and no other site's page knows."""
        message = f"portal {self.session}".encode()
        digest = hmac.digest(self.context.page_key, message, sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def key(self, name: str) -> str:
        """A part of the address, e.g. `app`."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str:
        """What stands behind the question mark by this name, without blanks around it."""
        return self.request.query_params.get(name, "").strip()

    def at(self, *parts: str) -> str:
        """The address of a page of the tenant, e.g. `at("applications", app_id)`."""
        return "/".join((PREFIX, self.tenant.id, *(quote(part, safe="") for part in parts)))

    def below(self, *parts: str) -> Callable[..., str]:
        """What gives the addresses of pages below this one, as menus need it."""
        return partial(self.at, *parts)

    def say(self, key: str, **values: object) -> str:
        """A text in the visitor's language."""
        return say(self.language, key, **values)

    def notify(self, key: str, *, warning: bool = False, **values: object) -> None:
        """Have the next page say this."""
        self.keep("notice", Notice(key, values, warning))

    def keep(self, name: str, value: Any) -> None:
        """Keep something for the next page, in memory only."""
        self.notices.keep(self.token, name, value)

    def take(self, name: str) -> Any:
        """What the page before kept by this name, the first time; then None."""
        return self.notices.take(self.token, name)
