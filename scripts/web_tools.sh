# What the browser build needs besides Rust: a target and wasm-bindgen. To be sourced after lib.sh, not run.
# What is fetched or built is kept in $web_cache and found again, by any clone.
# shellcheck shell=bash
# What is set here is used by the scripts that source it.
# shellcheck disable=SC2034

web_cache=${IMPASTO_WEB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/impasto-web}
web_target=wasm32-unknown-unknown
web_cargo=()     # arguments for cargo besides the usual ones
web_cargo_env=() # its environment

# The Rust compiler and the standard library for WebAssembly: that of rustup, or else Debian's compiler with the standard
# library built from Debian's sources. Fails, after a message, where neither can be had. With IMPASTO_WEB_RUST=debian it is
# Debian's in any case.
ensure_web_target() {
    mkdir -p "$web_cache"
    local wanted=${IMPASTO_WEB_RUST:-any}
    [[ $wanted == any ]] && has_rustup_target && return 0
    if [[ $wanted == any ]] && have rustup && rustup target add "$web_target" >"$web_cache/rustup.log" 2>&1 && has_rustup_target; then
        return 0
    fi
    if have apt-get && ensure_debian_compiler; then
        use_debian_compiler
        return 0
    fi
    say "Rust's target $web_target cannot be had here: rustup does not add it, and there is no package rustc-web of Debian."
    return 1
}

has_rustup_target() {
    have rustup && [[ $(rustup target list --installed 2>/dev/null) == *"$web_target"* ]]
}

# Unpacked, not installed: the usual toolchain stays as it is. Compiler and sources must be of one version.
ensure_debian_compiler() {
    local version llvm folder
    if [[ $lists_are_fresh == no ]]; then
        as_root apt-get update >/dev/null 2>&1 || true
        lists_are_fresh=yes
    fi
    version=$(apt-cache madison rustc-web 2>/dev/null | awk '{ print $3; exit }')
    [[ -n $version ]] || return 1
    folder=$web_cache/debian-$version
    debian_rust=$folder
    [[ -e $folder/complete ]] && return 0
    say "Rust's target $web_target is missing; unpacking Debian's rustc-web $version into $folder"
    rm -rf "$folder"
    mkdir -p "$folder/packages"
    llvm=$(apt-cache show "libstd-rust-web-${version%.*}=$version" | grep -oE 'libllvm[0-9]+' | head -n 1)
    (
        cd "$folder/packages"
        apt-get download "rustc-web=$version" "libstd-rust-web-${version%.*}=$version" "libstd-rust-web-dev=$version" \
            "rust-web-src=$version" "$llvm" 2>/dev/null >&2
        for package in *.deb; do dpkg-deb -x "$package" ..; done
    ) || return 1
    rm -rf "$folder/packages"
    touch "$folder/complete"
}

use_debian_compiler() {
    local linker
    linker=$(find "$(rustc --print sysroot)" -name rust-lld -type f 2>/dev/null | head -n 1)
    if [[ -z $linker ]]; then
        have wasm-ld || install "A linker for WebAssembly (wasm-ld)" lld lld lld
        linker=wasm-ld
    fi
    web_cargo=(-Z "build-std=std,panic_abort")
    # RUSTC_BOOTSTRAP: building the standard library is an option of nightly compilers.
    web_cargo_env=(
        "RUSTC=$debian_rust/usr/bin/rustc" RUSTC_BOOTSTRAP=1 "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker"
        "LD_LIBRARY_PATH=$(echo "$debian_rust"/usr/lib/*-linux-gnu)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    )
}

# The tool must be of the version that Cargo.lock has.
ensure_wasm_bindgen() {
    local version
    version=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print }' Cargo.lock)
    wasm_bindgen=$web_cache/wasm-bindgen-$version/bin/wasm-bindgen
    [[ -x $wasm_bindgen ]] && return 0
    if have wasm-bindgen && [[ $(wasm-bindgen --version) == "wasm-bindgen $version" ]]; then
        wasm_bindgen=wasm-bindgen
        return 0
    fi
    say "wasm-bindgen $version is missing; building it, which takes some minutes"
    # It runs for some seconds: less optimisation builds sooner.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_TARGET_DIR=$web_cache/tools cargo install wasm-bindgen-cli --version "$version" \
        --bin wasm-bindgen --no-default-features --root "$web_cache/wasm-bindgen-$version" --quiet ||
        die "wasm-bindgen could not be built. Run this, then start again:
    cargo install wasm-bindgen-cli --version $version"
    rm -rf "$web_cache/tools"
}
