from entra_emulator.graph.render import render_records


def test_render() -> None:
    """Selected properties stand in the order asked; unset ones are null, or an empty list."""
    docs = [b'{"id":"1","mail":"\\u00e4","tags":[1, 2]}', b'{"extension_0a_x":5}']

    body = render_records("application", ("tags", "extension_0a_x", "id"), docs)

    assert body == b'{"tags":[1, 2],"id":"1"},{"tags":[],"extension_0a_x":5,"id":null}'
    assert render_records("user", ("id",), []) == b""
