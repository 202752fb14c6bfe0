"""Templates escape what they show, and miss nothing."""

from __future__ import annotations

import jinja2
import pytest

from graphdaemon.output.page.template import make_environment, read_style


def test_a_template_escapes_values_and_refuses_absent_ones() -> None:
    environment = make_environment("graphdaemon.client.reports")
    template = environment.from_string("<b>{{ name }}</b>")

    assert template.render(name="<i>") == "<b>&lt;i&gt;</b>"
    with pytest.raises(jinja2.UndefinedError):
        template.render()


def test_the_style_is_for_light_and_dark() -> None:
    assert b"prefers-color-scheme: dark" in read_style()
    assert b"</" not in read_style(), "it stands within a page"
