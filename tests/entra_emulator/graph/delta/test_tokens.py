from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

from entra_emulator.clock import Clock
from entra_emulator.directory import changes
from entra_emulator.web.context import DeltaSettings
from tests.support.delta_scene import DAY, ROLES, Scene, key_of
from tests.support.emulator_probe import register


def test_foreign_token(scene: Scene) -> None:
    """A token is of one collection, one tenant and one use, and cannot be altered."""
    link = scene.follow("/v1.0/users/delta").link
    token = link.partition("$deltatoken=")[2]
    altered = ("B" if token[0] == "A" else "A") + token[1:]

    for target in (
        f"/v1.0/groups/delta?$deltatoken={token}",
        f"/v1.0/users/delta?$skiptoken={token}",
        f"/v1.0/users/delta?$deltatoken={altered}",
    ):
        assert scene.get(target).code == "syncStateInvalid"
    tenant = scene.directory.tenants.create("Fabrikam", ("fabrikam.example",))
    other = register(scene.probe, *ROLES, tenant=tenant)
    assert other.get(f"/v1.0/users/delta?$deltatoken={token}").code == "syncStateInvalid"
    assert scene.get(f"/beta/users/delta?$deltatoken={token}").status == 200
    assert scene.get(f"/v1.0/users/delta?%24deltatoken={token}&$top=5").status == 200


def test_expired_token(stage: Callable[..., Scene]) -> None:
    """A link is good for seven days, which begin anew with every new link."""
    scene = stage(clock=Clock(at=1_800_000_000), token_lifetime=10**8)
    follower = scene.follow("/v1.0/users/delta")
    old = follower.link

    scene.directory.clock.move(6 * DAY)
    follower.finish()
    scene.directory.clock.move(6 * DAY)
    follower.finish()
    answer = scene.get(old)
    assert (answer.status, answer.code) == (400, "syncStateNotFound")
    assert answer.message == (
        "The sync state generation is not found. The delta token is expired and data must be "
        "synchronized again."
    )


def test_gone_token(stage: Callable[..., Scene]) -> None:
    """By a setting an expired link is 410, with the way to a new beginning of the same query."""
    settings = DeltaSettings(age=60, gone=True)
    scene = stage(clock=Clock(at=1_800_000_000), token_lifetime=10**8, delta=settings)
    user = scene.add("user", jobTitle="Clerk")
    chosen = f"$select=jobTitle,manager&$filter=id eq '{key_of(user)}'"
    follower = scene.follow(f"/v1.0/users/delta?{quote(chosen, safe='$=&')}")

    scene.directory.clock.move(61)
    answer = scene.get(follower.link)
    assert (answer.status, answer.code) == (410, "resyncRequired")
    location = answer.headers["location"]
    expected = f"{scene.probe.emulator.url}/v1.0/users/delta?{chosen}&$deltatoken="
    assert unquote(location) == expected
    again = scene.follow(location)
    assert again.objects == {key_of(user): {"jobTitle": "Clerk", "id": key_of(user)}}


def test_pruned_journal(stage: Callable[..., Scene]) -> None:
    """A link older than the oldest change that is known is dead, whatever its age."""
    clock = Clock(at=1_800_000_000)
    scene = stage(clock=clock, token_lifetime=10**8, delta=DeltaSettings(age=90 * DAY))
    link = scene.follow("/v1.0/users/delta").link
    scene.add("user")
    clock.move(31 * DAY)
    fresh = scene.follow("/v1.0/users/delta").link
    for number in range(changes.SWEEP):
        scene.add("group", displayName=f"Group {number}")

    assert scene.get(link).code == "syncStateNotFound"
    assert scene.get(fresh).status == 200


def test_older_snapshot(stage: Callable[..., Scene], tmp_path: Path) -> None:
    """After a snapshot was restored, links of what came after it are dead."""
    scene = stage()
    scene.directory.backup(tmp_path / "snapshot")
    scene.add("user")
    link = scene.follow("/v1.0/users/delta").link
    scene.directory.restore(tmp_path / "snapshot")

    assert scene.get(link).code == "syncStateNotFound"


def test_expired_page(frozen: Scene) -> None:
    """On demand the link to a round's next page has expired."""
    for _ in range(4):
        frozen.add("user")
    link = frozen.get("/v1.0/users/delta").json()["@odata.nextLink"]
    frozen.fail("page_token")

    assert frozen.get(link).code == "Directory_ExpiredPageToken"
