"""The actual state: which app is the one that is meant."""

import pytest

from graphdaemon.errors import SettingsError
from tests.support.register_tenant import Site

# Of the token service, which checks assertions made with short keys.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")


def test_an_app_is_adopted_by_its_tag(site: Site) -> None:
    """Whoever puts the tag on an app of their own has it completed; two of them are too many."""
    body = {"displayName": site.name, "tags": [f"graphdaemon:{site.name}"]}
    made = site.writer.make("/applications", body)

    done = site.register()

    assert done.client_id == made["appId"]
    assert site.prove(done)
    site.writer.make("/applications", body)
    with pytest.raises(SettingsError, match="2 apps carry the tag") as caught:
        site.register()
    assert caught.value.code == "registration_ambiguous"
