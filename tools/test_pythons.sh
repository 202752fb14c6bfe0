#!/bin/sh
# Run the tests on every declared Python that this machine has, each in an environment of its own.
# An interpreter is looked for on the PATH, among those uv has installed, and among pyenv's.
set -eu

find_python() {
    UV_PYTHON_DOWNLOADS=never .venv/bin/uv python find "$1" 2>/dev/null && return
    for candidate in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        test -x "$candidate" && echo "$candidate" && return
    done
    return 1
}

failed=
missing=
for version in 3.11 3.12 3.13; do
    python=$(find_python "$version") || {
        echo "Python $version: not on the PATH, not installed by uv, not in ${PYENV_ROOT:-$HOME/.pyenv}/versions"
        missing="$missing $version"
        continue
    }
    venv=.venv-$version
    export UV_SYSTEM_CERTS=1 UV_COMPILE_BYTECODE=1
    .venv/bin/uv venv --quiet --allow-existing --python "$python" "$venv"
    .venv/bin/uv pip install --quiet --python "$venv/bin/python" --require-hashes -r requirements/dev.txt
    .venv/bin/uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
    echo "Python $version: $("$venv/bin/python" --version) at $python"
    "$venv/bin/pytest" --numprocesses=2 --quiet --ignore=tests/peers || failed="$failed $version"
done
echo "not tested, for want of an interpreter:${missing:- none}"
if [ -n "$failed" ]; then
    echo "failed on:$failed" >&2
    exit 1
fi
