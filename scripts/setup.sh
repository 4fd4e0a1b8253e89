#!/bin/sh
# Makes .venv/ from the locks, with hashes checked: scripts/setup.sh runtime|dev STAMP
#
# Called by the Makefile when STAMP is missing. The stamp's name carries a checksum of the locks, of
# pyproject.toml and of the checkout's path, so it is missing exactly when the environment is out of date.
set -eu

profile=$1
stamp=$2
venv=.venv
supported='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))'

fail() {
    echo "setup: $*" >&2
    exit 1
}

# Prints the first Python that is new enough and can make environments. Version-manager shims may exist and yet
# not run, so each candidate is asked.
find_python() {
    too_bare=''
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3.14 python3 python}; do
        "$candidate" -c "$supported" >/dev/null 2>&1 || continue
        too_bare=$candidate
        "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1 || continue
        echo "$candidate"
        return
    done
    if [ -n "$too_bare" ]; then
        fail "$too_bare cannot make virtual environments: install its venv module (on Debian and Ubuntu" \
            "the package python3-venv), or name another Python: make PYTHON=/path/to/python3.12"
    fi
    fail "no Python from 3.11 to 3.14 found${PYTHON:+ as $PYTHON}: install one, or name it:" \
        "make PYTHON=/path/to/python3.12"
}

# An environment that was moved still names its old place in the first line of every script.
usable() {
    { [ ! -f "$venv/.made-in" ] || [ "$(cat "$venv/.made-in")" = "$(pwd)" ]; } &&
        "$venv/bin/python" -c "$supported" >/dev/null 2>&1 && "$venv/bin/python" -c 'import pip' >/dev/null 2>&1
}

install() {
    # Modules are compiled when first imported: most never are. Where the environment forbids Python to write what it
    # compiled, every command would compile them again, so there they are compiled here.
    [ -n "${PYTHONDONTWRITEBYTECODE:-}" ] && compile=--compile || compile=--no-compile
    "$venv/bin/python" -m pip install --quiet --no-input $compile --disable-pip-version-check "$@"
}

if ! usable; then
    python=$(find_python)
    echo "setup: making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
fi

pwd >"$venv/.made-in"
rm -f "$venv"/.stamp-*
if [ "$profile" = dev ]; then
    echo "setup: installing requirements-dev.lock into $venv (a few minutes the first time)"
    install --require-hashes -r requirements-dev.lock
else
    echo "setup: installing requirements.lock into $venv (a minute or two the first time)"
    install --require-hashes -r requirements.lock -r requirements-build.lock
fi
install --no-deps --no-build-isolation --editable .

if ! reason=$("$venv/bin/python" -c 'import lightgbm' 2>&1); then
    case $reason in
        *libgomp* | *libomp*)
            fail "LightGBM needs the system's OpenMP library: install libgomp1 (Debian, Ubuntu)," \
                "libgomp (Fedora, Alpine) or libomp (Homebrew), then run the same command again" ;;
        *) fail "LightGBM does not load: $reason" ;;
    esac
fi
touch "$stamp"
