#!/usr/bin/env bash
# Unpacks a Linux archive of scripts/package.sh in an empty Debian system that has nothing but mesa-vulkan-drivers, and paints
# there: what the program needs beyond its archive and that package fails here.
# Usage: scripts/try_archive.sh ARCHIVE.tgz [DEBIAN RELEASE, bookworm by default]
# Needs root, the network and mmdebstrap (apt-get install mmdebstrap).
set -euo pipefail

[[ $# -ge 1 && -f $1 ]] || {
    sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2
    exit 2
}
archive=$(realpath "$1")
release=${2:-bookworm}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh
[[ $(id -u) -eq 0 ]] || die "a system is made and entered by root only: sudo $0 $1"
have mmdebstrap || die "mmdebstrap was not found: apt-get install mmdebstrap"

system=$(mktemp -d)
trap 'umount -q "$system/proc"; rm -rf --one-file-system "$system"' EXIT
mmdebstrap --quiet --variant=minbase --include=mesa-vulkan-drivers "$release" "$system"
# Tells how much memory there is.
mount -t proc proc "$system/proc"

name=$(basename "$archive" .tgz)
(cd "$(dirname "$archive")" && sha256sum --check "$name.tgz.sha256")
tar -xf "$archive" -C "$system/opt"
cp assets/content-cat.jpg assets/style-swirl.jpg "$system/tmp/"

# inside COMMAND...: runs it in the system, as a user without rights there.
inside() { chroot --userspec=nobody:nogroup "$system" env -i HOME=/tmp PATH=/usr/bin:/bin "$@"; }
program=/opt/$name/impasto
inside "$program" --version
inside "$program" devices
inside "$program" paint /tmp/content-cat.jpg /tmp/style-swirl.jpg -o /tmp/out.png --size 64 --iterations 4 --no-tune
[[ $(head -c 4 "$system/tmp/out.png" | tail -c 3) == PNG ]] || die "the painting is no PNG file"
for file in man/impasto.1 completions/impasto.bash licences/THIRD-PARTY.txt licences/WEIGHTS.md README.txt; do
    [[ -s $system/opt/$name/$file ]] || die "$file is missing in the archive"
done
say "$name unpacks and paints in an empty Debian $release with mesa-vulkan-drivers alone"
