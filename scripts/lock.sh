#!/bin/sh
# Solves the three locks from pyproject.toml: one version of each package for every supported Python and system,
# with the hashes of all its files. Further arguments go to uv (--upgrade takes newer versions).
#
# The development lock is solved first, and the others within it, so that the three never disagree.
set -eu

solve() {
    lock=$1
    shift
    "${UV:-uv}" pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
        --no-header --no-emit-index-url --no-emit-find-links --output-file "$lock" "$@"
}

build=$(sed -n 's/^requires = \["\(.*\)"\]$/\1/p' pyproject.toml)
echo "$build" | solve requirements-dev.lock --extra dashboard --extra embedded --extra dev "$@" pyproject.toml -
solve requirements.lock --constraints requirements-dev.lock --extra dashboard --extra embedded "$@" pyproject.toml
echo "$build" | solve requirements-build.lock --constraints requirements-dev.lock "$@" -
