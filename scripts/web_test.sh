#!/usr/bin/env bash
# Builds and lints the page that paints in a browser, builds the program for its studio, and tests both in headless Chromium.
# Usage: scripts/web_test.sh [--install] [NAME...]   (tests with NAME in their name)
#   --install   install Chromium with the system's packages if there is none
# Where the tools for WebAssembly or Chromium cannot be had, it says what is not built or not tested, and ends well. axe,
# which checks contrast and labels, is fetched from npm where there is npm.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh
source scripts/web_tools.sh

installs=no
if [[ ${1:-} == --install ]]; then
    installs=yes
    shift
fi

has_chromium() { PYTHONPATH=web/tests python3 -c 'import browser, sys; sys.exit(browser.find() is None)'; }

code=0
scripts/web.sh || code=$?
if [[ $code -eq 3 ]]; then
    say "So the page for browsers is not built and not tested on this machine."
    exit 0
fi
[[ $code -eq 0 ]] || exit "$code"

# Debian's compiler has no clippy of its version.
if has_rustup_target && cargo clippy --version >/dev/null 2>&1; then
    CARGO_TARGET_DIR=$web_cache/target cargo clippy --package impasto-web --profile web --locked --target "$web_target" -- -D warnings
fi
if [[ $installs == yes ]] && ! has_chromium; then
    # In a shell of its own: a failure ends that one.
    (install "Chromium" chromium chromium chromium) || true
fi
# The studio is the same page with the program behind it.
cargo build --release --locked --bin impasto
axe=$web_cache/axe/node_modules/axe-core/axe.min.js
if [[ ! -e $axe ]] && have npm; then
    npm install --silent --no-audit --no-fund --prefix "$web_cache/axe" axe-core@4.13.0 >/dev/null 2>&1 ||
        say "axe-core could not be fetched: its test is left out"
fi
IMPASTO_WEB_AXE=$axe python3 web/tests/run.py "$@"
