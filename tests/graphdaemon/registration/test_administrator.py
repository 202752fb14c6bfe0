"""What an administrator may not do is said, with who may."""

import pytest

from graphdaemon.errors import GraphError
from tests.support.graph_writer import start_writer
from tests.support.register_tenant import Site
from tests.support.user_flows import ordinary

# Of the token service, which checks assertions made with short keys.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")


def test_who_may_not_consent_is_told_who_may(own: Site) -> None:
    """All the rest is done, the page is named, and the exit code is Graph's."""
    own.sign_in("Cloud Application Administrator")

    done = own.register()

    assert done.consent_error is not None
    assert (done.consent_error.exit_code, done.consent_error.case) == (5, "consent_reserved")
    assert "Privileged Role Administrator" in (done.consent_error.hint or "")
    assert f"/adminconsent?client_id={done.client_id}" in (done.consent_error.hint or "")
    assert own.prove(done) == "the app gets tokens, with: no role yet"
    own.sign_in("Privileged Role Administrator")
    assert own.register().consent_error is None


def test_who_does_not_own_the_app_is_told_who_may(own: Site) -> None:
    """An owner, or an administrator of apps."""
    own.sign_in("Global Administrator")
    own.register()
    own.output = "second.json"
    own.sign_in(None, ordinary(own.emulator))

    with pytest.raises(GraphError) as caught:
        own.register()

    assert caught.value.case == "changing_reserved"
    assert "Cloud Application Administrator" in (caught.value.hint or "")


def test_an_app_that_lacks_the_permission_is_told_which(site: Site) -> None:
    """It is named, and the exit code is Graph's."""
    site.writer = start_writer(site.probe, "Application.Read.All")

    with pytest.raises(GraphError) as caught:
        site.register()

    assert (caught.value.case, caught.value.exit_code) == ("registrar_lacks", 5)
    assert "Application.ReadWrite.OwnedBy" in (caught.value.hint or "")
