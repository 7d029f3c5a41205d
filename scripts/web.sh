#!/usr/bin/env bash
# Builds the page that paints in a browser into web/dist, from where any web server can serve it.
# Usage: scripts/web.sh [--serve [PORT]]
#   --serve   then serves it on 127.0.0.1, at port 8000 unless another is given
# Where rustup cannot add Rust's target for WebAssembly, Debian's packages do. Tools and what they built are kept in
# $IMPASTO_WEB_CACHE (~/.cache/impasto-web), outside the clone. Exit code 3: the target cannot be had on this machine.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh
source scripts/web_tools.sh

case ${1:-} in
    "" | --serve) ;;
    *) die "there is no option $1: see the head of scripts/web.sh" ;;
esac

ensure_cargo
ensure_linker
ensure_python
ensure_web_target || exit 3
ensure_wasm_bindgen

dist=web/dist
built=$web_cache/target
env ${web_cargo_env[@]+"${web_cargo_env[@]}"} CARGO_TARGET_DIR="$built" cargo build --package impasto-web --profile web --locked \
    --target "$web_target" ${web_cargo[@]+"${web_cargo[@]}"}
rm -rf "$dist"
mkdir -p "$dist/samples"
"$wasm_bindgen" --target web --no-typescript --remove-name-section --out-dir "$dist" --out-name impasto_web \
    "$built/$web_target/web/impasto_web.wasm"
# It takes off a twentieth, and nothing of what is left when a server packs the file. Old versions do not read it.
if have wasm-opt && wasm-opt -Os --all-features "$dist/impasto_web_bg.wasm" -o "$dist/smaller.wasm" 2>/dev/null; then
    mv "$dist/smaller.wasm" "$dist/impasto_web_bg.wasm"
fi
cp web/page/* "$dist"
cp assets/content-*.jpg assets/style-*.jpg "$dist/samples"
python3 scripts/web_files.py "$dist" weights/part1/vgg19.safetensors.1 weights/part2/vgg19.safetensors.2

if [[ ${1:-} == --serve ]]; then
    exec python3 scripts/serve.py "$dist" "${2:-8000}"
fi
