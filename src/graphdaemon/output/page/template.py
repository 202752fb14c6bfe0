"""HTML templates, and the stylesheet of all pages; only this module of the client uses Jinja2."""

from functools import cache
from importlib.resources import files

import jinja2


@cache
def make_environment(package: str) -> jinja2.Environment:
    """
    Return the Jinja environment for the templates in the folder `templates` of a package.

    Every value in a template is escaped, and a name without a value is an error.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(files(package) / "templates")),
        autoescape=True,
        auto_reload=False,
        cache_size=-1,
        lstrip_blocks=True,
        trim_blocks=True,
        # A misspelt name should fail in a test, instead of leaving a gap on the page.
        undefined=jinja2.StrictUndefined,
    )


@cache
def read_style() -> bytes:
    """Return the stylesheet of all pages, as CSS in UTF-8."""
    return (files(__package__) / "style.css").read_bytes()
