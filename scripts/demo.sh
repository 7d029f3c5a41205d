#!/usr/bin/env bash
# Builds Impasto and paints one picture. On a machine without a Vulkan driver it installs Mesa's first.
# Usage: scripts/demo.sh [MORE ARGUMENTS FOR impasto paint]
set -euo pipefail

content=assets/content-cat.jpg
style=assets/style-swirl.jpg
output=out/demo.png

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh

ensure_cargo
ensure_linker
ensure_adapter

cargo build --release --locked
impasto=${CARGO_TARGET_DIR:-./target}/release/impasto
# A minute or two on a GPU of a laptop; on two CPU cores some four.
size=1024
if "$impasto" devices | grep -q '^\*.*software'; then size=384; fi
mkdir -p "$(dirname "$output")"
rm -f "$output" # so that a picture found below is this run's
"$impasto" paint "$content" "$style" -o "$output" \
    --size "$size" "$@"
[[ -s $output ]] || die "impasto ended without an error, but $output is not there."
printf 'The picture is %s\n' "$PWD/$output"
