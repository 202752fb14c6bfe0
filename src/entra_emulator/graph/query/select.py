"""`$select`: which properties of an object to show."""

from entra_emulator.errors import deny
from entra_emulator.model import schema


def read_select(
    kind: str, text: str, *, collection: bool, activity: bool = False
) -> tuple[str, ...] | None:
    """
    The canonical names in `$select`, each once; None when it is empty.

    Navigation properties may be named, and show nothing. The real service may accept unknown names
    on open types; they are refused here, so that typing errors are noticed. With `activity`,
    `signInActivity` may be named.

    Raises:
        GraphRefusal: 400, a name is malformed, unknown, or not for this request.
    """
    names: list[str] = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        if item == "*":
            # A `$select` that names one of these is refused, and `*` should not be.
            hidden = schema.SINGLE_USER_ONLY | {"signInActivity"}
            names += [n for n in schema.declared(kind) if n not in hidden]
        elif not item.isidentifier():
            raise deny("select_malformed", name=item)
        else:
            names += _read_name(kind, item, collection=collection, activity=activity)
    # Only navigation properties were named, and that is not a request for the default set.
    if text.strip(" ,") and not names:
        return ("id",)
    return tuple(dict.fromkeys(names)) or None


def _read_name(kind: str, item: str, *, collection: bool, activity: bool) -> tuple[str, ...]:
    # Properties that only beta declares are no typing errors: Terraform selects `samlMetadataUrl`.
    # v1.0 knows them no better than any other name, and its types are open to all names.
    name = schema.canonical(kind, item) or schema.canonical_in_beta(kind, item)
    if name is None:
        if find_navigation(kind, item):
            return ()
        raise deny("select_unknown", name=item, kind=kind)
    if collection and kind == "user" and name in schema.SINGLE_USER_ONLY:
        raise deny("not_on_collection")
    # Documented for lists of users and for one user, and nowhere else.
    if name == "signInActivity" and not activity:
        raise deny("not_emulated", what="$select=signInActivity here; read it at /users")
    return (name,)


def find_navigation(kind: str, name: str) -> str | None:
    """The canonical name of a navigation property of the type."""
    folded = name.casefold()
    return next((n for n in schema.navigation(kind) if n.casefold() == folded), None)
