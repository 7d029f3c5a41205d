#!/usr/bin/env bash
# Packs every crate of the workspace as `cargo publish` would, checks that each is below the 10 MB that crates.io takes, and
# builds the program from what was packed: a file that is left out of a package fails here.
# Usage: scripts/crates.sh
#
# `cargo package` builds what it packed too, but all dependencies anew and without optimisation. This builds in target, where
# a release build has left them. The release workflow has cargo's own check besides.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh

limit=10000000 # bytes a crate

# check_size FILE...: fails if one is too large for crates.io.
check_size() {
    local file size
    for file in "$@"; do
        size=$(wc -c <"$file")
        printf '%s: %d bytes\n' "${file##*/}" "$size"
        [[ $size -lt $limit ]] || die "$file has $size bytes, and crates.io takes 10 MB: list less under include in its Cargo.toml."
    done
}

ensure_cargo
rm -rf target/package
cargo package --workspace --exclude impasto-web --locked --no-verify --quiet ${IMPASTO_ALLOW_DIRTY:+--allow-dirty}
check_size target/package/*.crate

# Outside of the repository, where cargo would take the copy for a member of the workspace.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
for file in target/package/*.crate; do
    tar -xf "$file" -C "$copy"
done
patches=()
for folder in "$copy"/impasto-weights-*; do
    name=${folder##*/}
    patches+=(--config "patch.crates-io.${name%-*}.path='$folder'")
done
cargo build --release --quiet --manifest-path "$copy"/impasto-[0-9]*/Cargo.toml --target-dir target \
    "${patches[@]}"
target/release/impasto --version
