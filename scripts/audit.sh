#!/bin/sh
# Looks for known vulnerabilities in what is installed with the package: scripts/audit.sh [LOCK]
#
# Asks the package index, over the network. Ends with 1 where there are some, with 2 where nobody could be asked: a mirror
# has the packages, and often not what is known against them.
set -eu

lock=${1:-requirements.lock}
said=$(mktemp)
trap 'rm -f "$said"' EXIT
if "${PIP_AUDIT:-pip-audit}" --strict --disable-pip --require-hashes --progress-spinner off -r "$lock" 2>"$said"; then
    echo "audit: nothing is known against what $lock holds"
elif grep -q 'Found [0-9]* known vulnerabilit' "$said"; then
    grep 'Found [0-9]* known vulnerabilit' "$said" >&2
    echo "audit: \`make lock UV_ARGS=--upgrade\` takes newer versions" >&2
    exit 1
else
    tail -n 1 "$said" >&2
    echo "audit: the package index could not be asked, so nothing is known of $lock: try again with the network" >&2
    exit 2
fi
