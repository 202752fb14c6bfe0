from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory.directory import Directory
from entra_emulator.model.records import Tenant


def test_user(directory: Directory, seeded: Tenant) -> None:
    """A user is found by ID and by name in any case of letters, in its own tenant only."""
    user = next(draw_users(1, 0))
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))

    for key in (user["id"], user["id"].upper(), user["userPrincipalName"].upper()):
        found = directory.users.find(seeded, key)
        assert found is not None
        assert found == user
        assert directory.users.find(other, key) is None
