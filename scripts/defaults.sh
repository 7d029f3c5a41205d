#!/usr/bin/env bash
# Paints the sheet of docs/src/guide/defaults.md: nine pairs with the defaults at 256 pixels. Prints their scores.
# Usage: scripts/defaults.sh [MORE ARGUMENTS FOR impasto paint]
set -euo pipefail

folder=out/defaults
sheet=out/defaults.jpg

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh

ensure_cargo
ensure_linker
ensure_adapter

cargo build --release --locked --bin impasto --example contact_sheet --example quality
target=${CARGO_TARGET_DIR:-./target}/release
mkdir -p "$folder"
pairs=(cat-swirl cat-facets rocket-swirl rocket-pencil astronaut-facets astronaut-woodcut coffee-mosaic raccoon-pencil
    camera-watercolour)
pictures=()
triples=()
for pair in "${pairs[@]}"; do
    content=assets/content-${pair%-*}.jpg style=assets/style-${pair#*-}.jpg picture=$folder/$pair.png
    "$target/impasto" paint "$content" "$style" -o "$picture" --size 256 "$@"
    pictures+=("$picture")
    triples+=("$content" "$style" "$picture")
done
"$target/examples/quality" "${triples[@]}"
"$target/examples/contact_sheet" "$sheet" "${pictures[@]}"
printf 'The sheet is %s\n' "$PWD/$sheet"
