"""Azure CLI through `emulator exec`: in the public cloud, as it comes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.exec_run import run_exec
from tests.support.places import ROOT

AZ = """
set -e
az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" \
  --tenant "$AZURE_TENANT_ID" --allow-no-subscriptions --output none
az ad user list --query 'length(@)'
az rest --url 'https://graph.microsoft.com/v1.0/groups?$top=3' --query 'length(value)'
"""


def test_azure_cli_signs_in_and_lists(tmp_path: Path) -> None:
    """No cloud is registered, no check is skipped."""
    az = ROOT / ".venv-az/bin/az"
    if not az.exists():
        pytest.skip("Azure CLI is installed by make test-peers")
    variables = {
        "AZURE_CONFIG_DIR": str(tmp_path),
        "PATH": f"{az.parent}:{os.environ['PATH']}",
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
    }

    done = run_exec(
        "namespace",
        "sh",
        "-c",
        AZ,
        options=("--permission", "Group.Read.All"),
        variables=variables,
    )

    assert (done.returncode, done.stdout) == (0, "250\n3\n"), done.stderr
