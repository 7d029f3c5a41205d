#!/usr/bin/env bash
# Builds the program and packs it for people: the program, completions, manual pages and licence notices in one archive with
# its checksum, in target/dist.
# Usage: scripts/package.sh [--glibc VERSION] [--universal]
#   --glibc VERSION   Linux: link against this version of glibc, whatever this machine has, so that the program runs on systems
#                     as old as that one. Needs cargo-zigbuild (pip install cargo-zigbuild), which brings its linker
#   --universal       macOS: for both kinds of Mac in one file. Needs both targets (rustup target add)
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh

glibc=
universal=no
while [[ $# -gt 0 ]]; do
    case $1 in
    --glibc)
        [[ $# -gt 1 ]] || die "--glibc needs a version, such as 2.28"
        glibc=$2
        shift
        ;;
    --universal) universal=yes ;;
    *) die "unknown argument $1: see the head of $0" ;;
    esac
    shift
done

ensure_cargo
ensure_python
host=$(rustc -vV | sed -n 's/^host: //p')
version=$(sed -n '/^\[package\]/,/^version/s/^version = "\(.*\)"/\1/p' Cargo.toml)
target=$host
program=impasto
[[ $host == *windows* ]] && program=impasto.exe

# build COMMAND TARGET: the program for a target, in target/TARGET/release.
build() { cargo "$1" --release --locked --bin impasto --target "$2"; }

if [[ $universal == yes ]]; then
    target="universal-apple-darwin"
    mkdir -p "target/$target/release"
    for one in x86_64-apple-darwin aarch64-apple-darwin; do build build $one; done
    lipo -create -output "target/$target/release/impasto" target/{x86_64,aarch64}-apple-darwin/release/impasto
elif [[ -n $glibc ]]; then
    have cargo-zigbuild || die "cargo-zigbuild was not found: pip install cargo-zigbuild"
    build zigbuild "$host.$glibc"
else
    build build "$host"
fi
built=target/$target/release/$program

name=impasto-v$version-$target
folder=target/dist/$name
rm -rf "$folder"
mkdir -p "$folder/licences"
cp "$built" "$folder/"
[[ $host == *windows* ]] || strip "$folder/$program"
# What was built runs here, on every machine that this script builds on.
"$folder/$program" extras "$folder"
cp CHANGELOG.md "$folder/"
cp LICENSE-MIT LICENSE-APACHE "$folder/licences/"
cp weights/README.md "$folder/licences/WEIGHTS.md"
cp assets/font/LICENSE "$folder/licences/FONT.txt"
python3 scripts/licences.py --target "${target/universal/aarch64}" >"$folder/licences/THIRD-PARTY.txt"
cat >"$folder/README.txt" <<END
Impasto $version paints one image in the style of another, on this computer's GPU or without one.

  impasto studio                                    a page in your browser: drop two pictures, choose, wait, save
  impasto paint photo.jpg painting.jpg -o out.png   the same from a terminal
  impasto --help                                    everything else

Nothing else need be installed, except on Linux a Vulkan driver: that of the GPU, or Mesa's (Debian, Ubuntu: mesa-vulkan-drivers;
Fedora: mesa-vulkan-drivers vulkan-loader; Arch: vulkan-swrast vulkan-icd-loader).

completions/ is for shells, man/ for man(1), licences/ holds the notices that go with the program wherever you pass it on. The
network's weights, which are inside, are the University of Oxford's, under CC BY 4.0: licences/WEIGHTS.md.
END
if [[ $universal == yes ]]; then
    # shellcheck disable=SC2016 # the script itself expands it
    printf '#!/bin/sh\nexec "$(dirname "$0")/impasto" studio\n' >"$folder/Impasto Studio.command"
    chmod +x "$folder/Impasto Studio.command"
fi

cd target/dist
if [[ $host == *windows* ]]; then
    archive=$name.zip
    rm -f "$archive"
    # Part of the images of Windows that workflows run on.
    7z a -bso0 "$archive" "$name"
else
    archive=$name.tgz
    tar -czf "$archive" "$name"
fi
python3 - "$archive" >"$archive.sha256" <<'END'
import hashlib, sys
print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest(), "", sys.argv[1])
END
printf '%s: %d bytes\n' "$PWD/$archive" "$(wc -c <"$archive")"
