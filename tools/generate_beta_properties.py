"""Write the table of the properties that only Graph's beta version declares.

    pip download --no-deps msgraph-beta-sdk
    python tools/generate_beta_properties.py WHEEL

The models of Microsoft's SDK are made from the published metadata of beta, and name every property.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from entra_emulator.model import schema

TARGET = Path(__file__).parents[1] / "src/entra_emulator/model/data/beta.json"

_MODELS = "msgraph_beta/generated/models"
_FIELD = re.compile(r'"([\w.@]+)": lambda n : setattr\(self, \'\w+\', n\.(\w+)\((\w*)\)\)')
_PLAIN = {
    "get_bool_value": "Edm.Boolean",
    "get_datetime_value": "Edm.DateTimeOffset",
    "get_float_value": "Edm.Double",
    "get_int_value": "Edm.Int32",
    "get_uuid_value": "Edm.Guid",
}


def generate(wheel: Path) -> dict[str, Any]:
    """The properties of each type that v1.0 does not have, with their EDM types."""
    with ZipFile(wheel) as archive:
        properties = {kind: _find_new(archive, kind) for kind in schema.published("types")}
    version = wheel.name.split("-")[1]
    return {
        "source": {
            "repository": "https://github.com/microsoftgraph/msgraph-beta-sdk-python",
            "file": f"msgraph_beta_sdk {version}, {_MODELS}",
            "licence": "MIT, Copyright (c) Microsoft",
            "written_by": "tools/generate_beta_properties.py",
        },
        "properties": {kind: new for kind, new in properties.items() if new},
    }


def _find_new(archive: ZipFile, kind: str) -> dict[str, str]:
    text = _read_model(archive, kind)
    known = {*schema.declared(kind), *schema.navigation(kind)}
    new: dict[str, str] = {}
    for name, getter, argument in _FIELD.findall(text):
        edm = _name_type(archive, getter, argument)
        if name not in known and edm is not None:
            new[name] = edm
    return dict(sorted(new.items()))


def _name_type(archive: ZipFile, getter: str, argument: str) -> str | None:
    """The EDM type of a property; None for a navigation property."""
    if getter in {"get_object_value", "get_collection_of_object_values"}:
        if _is_entity(archive, argument):
            return None
    elif getter not in {"get_enum_value", "get_collection_of_enum_values"}:
        argument = ""
    edm = f"microsoft.graph.{argument[:1].lower()}{argument[1:]}" if argument else "Edm.String"
    edm = _PLAIN.get(getter, edm)
    return f"Collection({edm})" if getter.startswith("get_collection") else edm


def _is_entity(archive: ZipFile, model: str) -> bool:
    """Whether a model is one of objects with IDs: properties of such types are navigations."""
    base = re.search(rf"^class {model}\((\w+)", _read_model(archive, model), re.MULTILINE)
    if base is None or model == "Entity":
        return model == "Entity"
    return base[1] == "Entity" or (base[1][0].isupper() and _is_entity(archive, base[1]))


def _read_model(archive: ZipFile, name: str) -> str:
    # The SDK writes the words of a name with underscores between them.
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    for path in (f"{_MODELS}/{snake}.py", *_list_nested(archive, snake)):
        if path in archive.namelist():
            return archive.read(path).decode()
    return ""


def _list_nested(archive: ZipFile, snake: str) -> list[str]:
    return [name for name in archive.namelist() if name.endswith(f"/models/{snake}.py")]


def main() -> None:
    """Write the file and say how many properties it names."""
    table = generate(Path(sys.argv[1]))
    rows = table["properties"]
    lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in rows.items())
    source = json.dumps(table["source"])
    text = f'{{\n "source": {source},\n "properties": {{\n{lines}\n }}\n}}\n'
    TARGET.write_text(text, "utf-8")
    print(f"{TARGET}: {sum(map(len, rows.values()))} properties")


if __name__ == "__main__":
    main()
