#!/bin/sh
# Gets Chromium for the tests in tests/e2e/browser/, where this account may install Debian's packages.
# Without a browser those tests are skipped, and say so.
set -eu

packages='chromium fonts-liberation'

command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "browser: no Chromium, and this account can't install it: the browser's tests will be skipped" >&2
    exit 0
fi

install() {
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends $packages >/dev/null 2>&1
}

install || { apt-get update --quiet >/dev/null 2>&1 && install; } ||
    echo "browser: Chromium could not be installed: the browser's tests will be skipped" >&2
