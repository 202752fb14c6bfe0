from entra_emulator.model import filterable, schema


def test_tables_name_properties() -> None:
    """Every name in the hand-written tables is a property of the type."""
    for kind in schema.published("types"):
        assert set(schema.default(kind)) <= set(schema.declared(kind)), kind
        assert len(set(schema.default(kind))) == len(schema.default(kind))
    assert set(schema.declared("user")) >= schema.BASIC_USER | schema.SINGLE_USER_ONLY
    for kind, sorts in filterable.SORTS.items():
        assert set(sorts) - {"createdDateTime"} <= set(schema.declared(kind)), kind
    for kind, names in filterable.RANGED.items():
        assert names <= set(schema.declared(kind)), kind
    for kind, names in filterable.UNKEPT.items():
        assert names <= set(schema.navigation(kind)), kind
