"""A registration is verified by a call, once its credential is known."""

import pytest

from graphdaemon.errors import Error
from tests.support.register_tenant import Site

# Of the token service, which checks assertions made with short keys.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")


def test_a_new_credential_is_waited_for(site: Site) -> None:
    """The token service refuses it for a while; the proof tries again, and not for ever."""
    done = site.register(kind="secret")
    settings = site.folder / "parameters.json"
    right = settings.read_text()
    settings.write_text(right.replace(site.settings["secret"], "wrong"))

    with pytest.raises(Error) as caught:
        site.prove(done)

    assert (caught.value.code, caught.value.exit_code) == ("credential_unproved", 4)
    assert 120 < sum(site.waits) < 300
    assert "graphdaemon doctor" in (caught.value.hint or "")
    settings.write_text(right)
    assert site.prove(done)
