#!/usr/bin/env bash
# Builds the book into target/book and checks the links in it and in the other documents. Installs mdbook if it is missing.
# Usage: scripts/book.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh

ensure_cargo
ensure_mdbook
ensure_python

log=$(mktemp)
trap 'rm -f "$log"' EXIT
mdbook build docs 2>&1 | tee "$log"
# mdbook reports a missing include or broken HTML as a warning or an error, and still exits with 0.
if grep -qE '^ *(WARN|ERROR)' "$log"; then
    die "mdbook complained: see above."
fi
git ls-files -z -- '*.md' | xargs -0 python3 scripts/check_links.py target/book || die "correct the dead links above."
printf 'The book is %s\n' "$PWD/target/book/index.html"
