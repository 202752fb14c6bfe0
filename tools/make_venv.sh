#!/bin/sh
# Make the virtual environment with the first Python that is new enough, and put the locked uv into it.
set -eu
venv=$1
for python in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    # Version managers leave shims that exist and do not run, so each candidate is asked, not just found.
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "setting up: $venv with $("$python" --version)" >&2
        if ! "$python" -m venv "$venv"; then
            echo "Error: this Python cannot make a virtual environment." >&2
            echo "Try: on Debian and Ubuntu, apt install python3-venv; then run make again." >&2
            exit 1
        fi
        "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
        touch "$venv/bin/uv"
        exit 0
    fi
done
echo "Error: no Python 3.11 or newer was found." >&2
echo "Try: install one, or name it: make PYTHON=/path/to/python3.12 quickstart" >&2
exit 1
