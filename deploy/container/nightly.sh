#!/bin/sh
# The users of the directory in a file, by one container that is gone afterwards. Whatever runs
# containers at night runs this; its exit code is graphdaemon's. ENGINE=docker takes Docker.
#
#   settings/parameters.json   the settings; a key beside it: "private_key_file": "app.pem"
#   directory/                 users.csv, and the proof that it is the whole; user 65532 writes it
set -eu
exec "${ENGINE:-podman}" run --rm --read-only --tmpfs /tmp \
    --cap-drop all --security-opt no-new-privileges --memory 512m \
    --volume "$PWD/settings:/settings:ro" --volume "$PWD/directory:/directory" \
    "${IMAGE:-graphdaemon}" \
    list users /settings/parameters.json --quiet --output /directory/users.csv --proof /directory/users.proof.json --within 3600
