"""One request for a page, as the page gets it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.requests import Request

from entra_emulator.directory.directory import Directory
from entra_emulator.model.records import Record, Tenant
from entra_emulator.web.context import Context, origin_of
from entra_emulator.web.pages.forms import NOTHING, Form
from entra_emulator.web.pages.notices import Notice, Notices
from entra_emulator.web.pages.texts import LANGUAGE_COOKIE, choose_language, say
from entra_emulator.web.session import SignedIn, make_form_token

PREFIX = "/portal"

# The address of a page of the portal; `//host` would lead to another site.
_PAGE = re.compile(rf"{PREFIX}([/?][\x21-\x7e]*)?")


def is_page(address: str) -> bool:
    """Whether an address without a host is one of the portal."""
    return _PAGE.fullmatch(address) is not None


def find_page_before(http: Request) -> str:
    """The emulator's page whose link or form this request comes from; empty if none is known."""
    came_from = urlsplit(http.headers.get("referer", ""))
    if f"{came_from.scheme}://{came_from.netloc}" != origin_of(http):
        return ""
    return f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path


@dataclass(frozen=True)
class PageRequest:
    """
    A request for a page, by somebody's browser.

    Args:
        who: the signed-in user; None if there is none.
        session: the secret in the browser's cookie, see `find_form_secret`.
        form: what was sent with the request; without fields unless it is a POST.
        notices: what pages leave for the next page to say.
        menus: the lines of each menu, by its name; empty for pages without menus.
    """

    http: Request
    context: Context
    who: SignedIn | None
    session: str = ""
    form: Form = NOTHING
    notices: Notices = field(default_factory=Notices)
    menus: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @cached_property
    def language(self) -> str:
        """The language to answer in."""
        accepted = self.http.headers.get("accept-language", "")
        return choose_language(self.http.cookies.get(LANGUAGE_COOKIE), accepted)

    @property
    def signed_in(self) -> SignedIn:
        """Who is signed in; for pages that only they may see, others read `who`."""
        assert self.who is not None, "the page is shown to those who are signed in"
        return self.who

    @property
    def directory(self) -> Directory:
        """Every tenant's objects."""
        return self.context.directory

    @property
    def tenant(self) -> Tenant:
        """The tenant of the signed-in user, which is the one in the address."""
        return self.signed_in.tenant

    @property
    def user(self) -> Record:
        """The signed-in user."""
        return self.signed_in.user

    @property
    def token(self) -> str:
        """The token that each form of this page holds."""
        return make_form_token(self.context, self.session)

    def param(self, name: str) -> str:
        """A parameter of the path, e.g. `app`."""
        return str(self.http.path_params[name])

    def query(self, name: str) -> str:
        """A parameter of the query, without blanks around it; empty if it is missing."""
        return self.http.query_params.get(name, "").strip()

    def at(self, *parts: str) -> str:
        """The address of a page of the tenant, e.g. `at("applications", app_id)`."""
        return "/".join((PREFIX, self.tenant.id, *(quote(part, safe="") for part in parts)))

    def below(self, *parts: str) -> Callable[..., str]:
        """A function like `at`, for the addresses below this one."""
        return partial(self.at, *parts)

    def say(self, key: str, **values: object) -> str:
        """A text in the language of this request; `values` fill in what stands in braces."""
        return say(self.language, key, **values)

    def notify(self, key: str, *, warning: bool = False, **values: object) -> None:
        """Have the next page say the text of this key."""
        self.keep("notice", Notice(key, values, warning))

    def keep(self, name: str, value: Any) -> None:
        """Keep something for the next page, in memory alone."""
        # Under the forms' token, from which nobody can tell the session's secret.
        self.notices.keep(self.token, name, value)

    def take(self, name: str) -> Any:
        """What an earlier page kept by this name; it is handed out once, after that it is None."""
        return self.notices.take(self.token, name)
