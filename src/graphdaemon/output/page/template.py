"""Templates of HTML, and the style of every page: the only module of the client with Jinja2."""

from functools import cache
from importlib.resources import files

import jinja2


@cache
def make_environment(package: str) -> jinja2.Environment:
    """
    Return what reads the templates in the folder `templates` of a package.

    Whatever a template shows is escaped, and a name that it does not get is an error.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(files(package) / "templates")),
        autoescape=True,
        auto_reload=False,
        cache_size=-1,
        lstrip_blocks=True,
        trim_blocks=True,
        # A misspelt name is to fail in a test, not to leave a gap on the page.
        undefined=jinja2.StrictUndefined,
    )


@cache
def read_style() -> bytes:
    """Return the stylesheet of every page."""
    return (files(__package__) / "style.css").read_bytes()
