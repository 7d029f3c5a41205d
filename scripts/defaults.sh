#!/usr/bin/env bash
# Paints the sheet of docs/src/guide/defaults.md: three photographs in two styles, with the defaults at 256 pixels.
# Usage: scripts/defaults.sh [MORE ARGUMENTS FOR impasto paint]
set -euo pipefail

folder=out/defaults
sheet=out/defaults.jpg

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh

ensure_cargo
ensure_linker
ensure_adapter

cargo build --release --locked --bin impasto --example contact_sheet
target=${CARGO_TARGET_DIR:-./target}/release
mkdir -p "$folder"
pictures=()
for style in swirl facets; do
    for content in astronaut cat rocket; do
        picture=$folder/$content-$style.png
        "$target/impasto" paint "assets/content-$content.jpg" "assets/style-$style.jpg" -o "$picture" --size 256 "$@"
        pictures+=("$picture")
    done
done
"$target/examples/contact_sheet" "$sheet" "${pictures[@]}"
printf 'The sheet is %s\n' "$PWD/$sheet"
