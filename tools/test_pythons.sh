#!/bin/sh
# Run the tests on every declared Python that this machine has, each in an environment of its own.
set -eu
failed=
for version in 3.11 3.12 3.13; do
    python=$(UV_PYTHON_DOWNLOADS=never .venv/bin/uv python find "$version" 2>/dev/null) || {
        echo "Python $version: not on this machine"
        continue
    }
    venv=.venv-$version
    export UV_SYSTEM_CERTS=1 UV_COMPILE_BYTECODE=1
    .venv/bin/uv venv --quiet --allow-existing --python "$python" "$venv"
    .venv/bin/uv pip install --quiet --python "$venv/bin/python" --require-hashes -r requirements/dev.txt
    .venv/bin/uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
    echo "Python $version: $("$venv/bin/python" --version)"
    "$venv/bin/pytest" --numprocesses=2 --quiet --ignore=tests/peers || failed="$failed $version"
done
if [ -n "$failed" ]; then
    echo "failed on:$failed" >&2
    exit 1
fi
