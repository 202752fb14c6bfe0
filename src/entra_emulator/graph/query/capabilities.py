"""
Check which filters Graph supports, and which need `ConsistencyLevel: eventual`; refuse others.

Sources: "Advanced query capabilities on Microsoft Entra ID objects", the tables in
`model/filterable.py`, and texts quoted in public issues, which are named where they are used.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from entra_emulator.errors import GraphRefusal, deny
from entra_emulator.graph.query.condition import (
    Compare,
    Count,
    Junction,
    Literal,
    Match,
    Member,
    Negation,
    Node,
    Some,
)
from entra_emulator.model import schema
from entra_emulator.model.filterable import (
    COUNTED_TO_ONE,
    ENDS_WITH,
    EXTENSION,
    FILTERS,
    RANGED,
    UNKEPT,
    Support,
)

# "Some limitations apply to query parameters", for default queries.
MAX_OR = 15
MAX_LENGTH = 120
# Quoted 2018 (microsoft-graph-docs#3641), for default queries.
MAX_HEIGHT = 3
# "A URL length of 2,048 characters when using advanced query capabilities" ("Use query parameters
# to customize responses"), "the base URL and other query parameters" included (a reviewer at
# Microsoft, microsoft-graph-docs#22097). They say it of `in`; that `$search` and every other
# condition have the same limit is chosen.
MAX_ADVANCED = 2048

_NOTHING = Support("", "", "", "")


@dataclass(frozen=True, slots=True)
class Mode:
    """
    The facts about a query that decide which filters are allowed.

    Args:
        eventual: whether the request has `ConsistencyLevel: eventual`.
        counted: whether it has `$count=true` or `$search`, or requests the count itself.
        strict: whether `ge` and `le` are refused if the documentation does not list them.
        related: whether the collection is one of linked objects, such as a group's members.
        linking: whether conditions on linked objects are allowed, which documents do not contain.
    """

    eventual: bool
    counted: bool
    strict: bool = False
    related: bool = False
    linking: bool = False

    @property
    def advanced(self) -> bool:
        """Whether the index for advanced queries answers, which may lag behind."""
        return self.eventual and self.counted


def check_filter(kind: str, node: Node, mode: Mode) -> None:
    """
    Refuse a filter that the directory does not support, or not in this mode.

    Raises:
        GraphRefusal: 400, with the text for the first unsupported condition.
    """
    if mode.related and not mode.advanced and not _is_one_id(node):
        raise deny("reference_refused")
    if not mode.advanced:
        height = _measure(node)
        if height > MAX_HEIGHT:
            raise deny("filter_too_high", height=height)
    _Check(kind, mode).check(node, alone=True)


def list_linked_names(kind: str, paths: Iterable[str]) -> frozenset[str]:
    """The navigation properties with which these paths begin, if they begin with one."""
    names = {path.partition("/")[0] for path in paths}
    return frozenset(names & schema.navigation(kind).keys() - schema.declared(kind).keys())


def _is_one_id(node: Node) -> bool:
    """
    Whether a filter selects the object with one ID, which is also allowed for linked objects.

    So Terraform reads a membership (terraform-provider-azuread, `groupGetMember`, and alike for
    owners, directory roles and administrative units), without `ConsistencyLevel`.
    """
    return isinstance(node, Compare) and (node.path, node.operator) == ("id", "eq")


def name_resource(kind: str) -> str:
    """The name of a type in error texts, e.g. `User`."""
    return kind[0].upper() + kind[1:]


def _measure(node: Node) -> int:
    """The height of the tree of junctions and negations."""
    match node:
        case Junction(_, operands):
            return 1 + max(map(_measure, operands))
        case Negation(operand):
            return 1 + _measure(operand)
        case _:
            return 1


class _Check:
    """Checks the conditions of one filter against the tables of what is supported."""

    def __init__(self, kind: str, mode: Mode) -> None:
        self._kind = kind
        self._mode = mode

    def check(self, node: Node, *, alone: bool, prefix: str = "") -> None:
        """
        Raise the refusal of a condition that is not supported.

        Args:
            node: the condition.
            alone: it stands by itself or in a top-level `and`.
            prefix: inside a lambda, the collection's path and "/any".
        """
        # An `IsOf` is not about a property, so it is in none of the tables.
        match node:
            case Junction(operator, operands):
                if operator == "or":
                    self._check_or(operands)
                for operand in operands:
                    inside = alone and operator == "and"
                    self.check(operand, alone=inside, prefix=prefix)
            case Negation(operand):
                self._require_header("not")
                self.check(operand, alone=False, prefix=prefix)
            case Some():
                self._check_some(node, _join_path(prefix, node.path), alone=alone)
            case Count():
                self._check_count(node, _join_path(prefix, node.path))
            case Match():
                self._check_match(node, _join_path(prefix, node.path))
            case Member(path, values):
                # `in` is a short form of `or`, and has the same documented limit.
                self._check_or((node,))
                self._check_values(_join_path(prefix, path), values)
            case Compare():
                self._check_comparison(node, _join_path(prefix, node.path))

    def _check_some(self, node: Some, path: str, *, alone: bool) -> None:
        self._check_linked(path)
        collection = f"{path}/any"
        supported = [p for p in FILTERS.get(self._kind, {}) if p.startswith(collection)]
        if node.body is None:
            # It means the same as `$count ne 0`, and has the same requirements.
            self._check_support(f"{path}/$count", "eq")
            return
        if not supported:
            raise self._refuse(path)
        if collection not in supported:
            self._check_complex(path, node.body, alone=alone)
        self.check(node.body, alone=False, prefix=collection)

    def _check_complex(self, path: str, body: Node, *, alone: bool) -> None:
        """Refuse combinations of conditions on a collection of complex values."""
        table = FILTERS[self._kind]
        grades = {row.eq for p, row in table.items() if p.startswith(f"{path}/any")}
        if grades == {"A"} and not self._mode.advanced:
            # Quoted for requiredResourceAccess and assignedPlans (msgraph-sdk-javascript#355,
            # microsoft-graph-docs#13942).
            raise deny("complex_refused", name=path)
        if grades == {"O"} and not alone:
            # Quoted for identities (msgraph-beta-sdk-dotnet#614).
            raise deny("complex_refused", name=path)
        if _has_or(body) and not self._mode.advanced:
            raise deny("clause_invalid")
        if path == "identities":
            self._check_identity(body)

    def _check_identity(self, body: Node) -> None:
        """An `issuerAssignedId` needs its `issuer` ("objectIdentity resource type")."""
        parts = body.operands if isinstance(body, Junction) else (body,)
        names = {part.path for part in parts if isinstance(part, Compare)}
        if "issuerAssignedId" in names and "issuer" not in names:
            raise deny("complex_refused", name="identities")

    def _check_count(self, node: Count, path: str) -> None:
        self._check_linked(path)
        if node.operator in {"gt", "lt"}:
            raise _refuse_order(node.operator)
        if node.operator == "ne" and not self._mode.advanced:
            raise deny("operator_refused", operator="NotEqualsMatch")
        # A filter can ask whether a collection is empty, but not how many items it has ("Advanced
        # query capabilities").
        most = 1 if f"{path}/$count" in COUNTED_TO_ONE else 0
        if node.operator in {"ge", "le"} or node.number not in range(most + 1):
            raise self._refuse(path)
        self._check_support(f"{path}/$count", "eq")

    def _check_comparison(self, node: Compare, path: str) -> None:
        self._check_linked(path)
        if node.operator in {"gt", "lt"}:
            raise _refuse_order(node.operator)
        if node.operator in {"ge", "le"}:
            self._check_range(path)
        elif node.operator == "ne" and not self._mode.advanced:
            raise deny("operator_refused", operator="NotEqualsMatch")
        else:
            self._check_support(path, "null" if node.value is None else "eq")
        self._check_length(path, node.value)

    def _check_values(self, path: str, values: tuple[Literal, ...]) -> None:
        self._check_linked(path)
        self._check_support(path, "eq")
        for value in values:
            if value is None:
                self._check_support(path, "null")
            self._check_length(path, value)

    def _check_range(self, path: str) -> None:
        # Each of the two indices has its own text for the refusal.
        if path == "id":
            raise deny("property_not_indexed" if self._mode.eventual else "id_equality_only")
        if path in RANGED.get(self._kind, ()) and not self._mode.strict:
            return
        self._check_support(path, "range")

    def _check_match(self, node: Match, path: str) -> None:
        self._check_linked(path)
        if node.function == "contains":
            raise deny("clause_operator_refused", operator="Contains")
        if path == "id":
            raise deny("id_equality_only")
        if node.function == "endswith":
            self._require_header("endsWith")
            if path not in ENDS_WITH:
                raise self._refuse(path)
            return
        self._check_support(path, "startswith")
        self._check_length(path, node.value)

    def _check_or(self, operands: tuple[Node, ...]) -> None:
        count = sum(len(node.values) if isinstance(node, Member) else 1 for node in operands)
        if count > MAX_OR and not self._mode.advanced:
            raise deny("or_too_long", count=count)

    def _check_length(self, path: str, value: Literal) -> None:
        """Refuse a long text; quoted for startswith and eq (microsoft-graph-explorer-v4#2103)."""
        if isinstance(value, str) and len(value) > MAX_LENGTH and not self._mode.advanced:
            raise self._refuse(path)

    def _check_linked(self, path: str) -> None:
        """Refuse conditions on linked objects, but for the few that are documented."""
        first = path.partition("/")[0]
        if first not in list_linked_names(self._kind, (path,)):
            return
        known = any(name.startswith(f"{first}/") for name in FILTERS.get(self._kind, {}))
        if not self._mode.advanced or not (known or first in UNKEPT.get(self._kind, ())):
            raise deny("reference_refused")
        if not (known and self._mode.linking):
            raise deny("not_emulated", what=f"conditions on '{first}' in $filter")

    def _check_support(self, path: str, column: str) -> None:
        support = FILTERS.get(self._kind, {}).get(path, _NOTHING)
        if path.startswith("extension_"):
            support = EXTENSION
        grade = getattr(support, column)
        # "A" is for advanced queries only, "O" for default ones only.
        barred = {"A": not self._mode.advanced, "O": self._mode.advanced}
        if not grade or barred.get(grade, False):
            raise self._refuse(path)

    def _require_header(self, operator: str) -> None:
        if not self._mode.eventual:
            raise deny("header_missing", operator=operator)
        # Without `$count=true` the text is another (microsoft-graph-docs#11575).
        if not self._mode.counted:
            raise deny("query_refused")

    def _refuse(self, path: str) -> GraphRefusal:
        if list_linked_names(self._kind, (path,)):
            return deny("reference_refused")
        if self._kind == "oAuth2PermissionGrant":
            return deny("grant_filter_refused", name=path)
        name = path.partition("/any")[0].removesuffix("/$count")
        return deny("property_refused", name=name, kind=name_resource(self._kind))


def _refuse_order(operator: str) -> GraphRefusal:
    # Named by analogy with the "NotEqualsMatch" of `ne` (microsoft-graph-docs#14074).
    words = {"gt": "GreaterThanMatch", "lt": "LessThanMatch"}
    return deny("clause_operator_refused", operator=words[operator])


def _has_or(node: Node) -> bool:
    match node:
        case Junction(operator, operands):
            return operator == "or" or any(map(_has_or, operands))
        case _:
            return False


def _join_path(prefix: str, path: str) -> str:
    return f"{prefix}/{path}" if prefix and path else prefix or path
