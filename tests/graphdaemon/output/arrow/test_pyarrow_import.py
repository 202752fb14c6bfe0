"""pyarrow is an extra: whoever lacks it is told what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "name", ["load_pyarrow", "load_parquet", "load_json_reader", "load_compute"]
)
def test_what_is_not_installed_is_named(name: str) -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from graphdaemon.errors import UsageError\n"
        f"from graphdaemon.output.arrow.pyarrow_import import {name}\n"
        f"try: {name}()\n"
        "except UsageError as error: print(error.code, error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "package_missing Run pip install 'graphdaemon[parquet]'.\n"
