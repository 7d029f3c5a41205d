#!/usr/bin/env bash
# Makes fuzz/seeds anew: small files of every kind that the targets read, from the program itself where it writes them.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

impasto=$root/target/release/impasto
seeds=$root/fuzz/seeds
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export IMPASTO_CACHE_DIR=$work/cache
rm -rf "$seeds"
mkdir -p "$seeds"/{image,weights,checkpoint,tuner,settings}
# Checkpoints name files, so that they had better be without folders.
cd "$work"
cp "$root"/tests/golden/gatys-96x64/{content,style}.png .

paint() {
    "$impasto" paint content.png style.png --size 20 --iterations 2 --content-layers conv1_1 --style-layers conv1_1 \
        -q "$@"
}
for extension in png jpg webp tif; do
    paint -o "$seeds/image/small.$extension"
done
python3 "$root/fuzz/seed_files.py" "$seeds"

# Settings lie in the pictures that the program writes.
cp "$seeds/image/small.png" "$seeds/settings/plain.png"
paint -o "$seeds/settings/many.png" --optimizer adam --preset tutorial --scales 2 --iterations 2,1 --tv-weight 0.01 \
    --keep-colors linear --kernel gram=naive
for setting in conv1_1=0.5,conv3_1..conv4_2 full 500,300 gram@conv3_1=tiled 1e-3 auto luminance noise; do
    printf %s "$setting" > "$seeds/settings/${setting//[^a-z0-9]/_}.txt"
done

paint -o a.png --optimizer adam --checkpoint "$seeds/checkpoint/adam"
paint -o b.png --history 2 --checkpoint "$seeds/checkpoint/lbfgs"

# Of a device and kernels that the target puts in.
"$impasto" paint content.png style.png -o c.png --size 64 --iterations 1 --style-layers conv5_4 -q
sed -E 's/("adapter": )".*"/\1"llvmpipe (Vulkan, software, on the CPU)"/
    s/("driver": )".*"/\1"Mesa 1"/; s/("kernels": )".*"/\1"@KERNELS@"/' cache/kernels-*.json > "$seeds/tuner/all.json"
printf '{"adapter": "llvmpipe (Vulkan, software, on the CPU)", "driver": "Mesa 1", "kernels": "@KERNELS@",
"format": 2, "choices": [], "agreed": [{"op": "conv3x3", "variant": "texture", "f16": false}],
"refused": [{"op": "gram", "variant": "texture", "f16": false, "fault": "off by 1.0e0"}]}' > "$seeds/tuner/refused.json"
du -sh "$seeds"
