#!/bin/sh
# Install the package into .venv:  tools/venv.sh REQUIREMENT STAMP...
#
# The Makefile calls this when a stamp is missing or older than the locks. The stamps are written last, so that an
# interrupted install is taken up again. PYTHON names the Python to use, TORCH_INDEX one more package index.
set -eu

requirement=$1
shift

suits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' </dev/null >/dev/null 2>&1
}

rm -f "$@"

if ! { suits .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    chosen=
    found=
    # A name on the PATH may be a shim that leads nowhere: ask each for its version.
    names=${PYTHON:-python3 python3.13 python3.12 python3.11}
    for candidate in $names; do
        if suits "$candidate"; then
            chosen=$candidate
            break
        fi
        version=$("$candidate" --version 2>/dev/null </dev/null) && found="${found:+$found, }$candidate is $version"
    done
    if [ -z "$chosen" ]; then
        echo "MTMI-lite needs Python 3.11, 3.12 or 3.13, and found ${found:-no Python as $names}:" \
            "name one with \`make lab PYTHON=/path/to/python3.12\`." >&2
        exit 1
    fi
    echo "Making .venv with $("$chosen" --version)."
    "$chosen" -m venv --clear .venv
fi

echo "Installing $requirement into .venv; the first time takes minutes."
.venv/bin/python -m pip install --quiet --disable-pip-version-check -e "$requirement" -c constraints.txt \
    ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"}
touch "$@"
