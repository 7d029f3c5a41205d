# What the scripts here share: make a fresh machine ready. To be sourced, not run.
# Nothing here compiles. A check that fails installs what is missing, or prints the command that would.
# shellcheck shell=bash

# Where Vulkan's loader and its manifests lie. Arrays, so that a test can point them elsewhere.
vulkan_dirs=(/usr/share/vulkan /etc/vulkan /usr/local/share/vulkan)
library_dirs=(/usr/lib /usr/lib64 /lib /lib64 /usr/local/lib "/usr/lib/$(uname -m)-linux-gnu")
lists_are_fresh=no # has apt-get update run in this process?

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

is_linux() { [[ $(uname -s) == Linux ]]; }

# as_root COMMAND...: runs it as root, without questions on standard input. Fails where that cannot be had.
as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@" </dev/null
    elif have sudo; then
        sudo "$@"
    else
        return 1
    fi
}

# install WHAT APT_PACKAGES DNF_PACKAGES PACMAN_PACKAGES: WHAT is missing, and these packages bring it.
install() {
    local what=$1 apt=$2 dnf=$3 pacman=$4
    local by_hand="apt-get update && apt-get install -y $apt"
    if have apt-get; then
        say "$what is missing; installing $apt"
        if [[ $lists_are_fresh == no ]]; then
            as_root apt-get update || say "apt-get update failed; trying with the package lists that are here"
            lists_are_fresh=yes
        fi
        # $apt is a list: it must split into words.
        # shellcheck disable=SC2086
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $apt ||
            die "$what could not be installed. Run this as root, then start again:
    $by_hand"
    elif have dnf; then
        die "$what is missing. Run this, then start again:
    sudo dnf install -y $dnf"
    elif have pacman; then
        die "$what is missing. Run this, then start again:
    sudo pacman -S --needed $pacman"
    else
        die "$what is missing, and no package manager known here was found. On Debian the packages are: $apt"
    fi
}

# Rust itself is left to the user: it is installed per user, and its version is their choice.
ensure_cargo() {
    if ! have cargo && [[ -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]]; then
        PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH" # installed, but this shell was started before
    fi
    have cargo || die "cargo was not found. Install Rust (https://rustup.rs), open a new shell and start again."
}

# For the book. Without its optional parts and without optimisation mdbook takes some 80 s of processor time to build, and is
# fast enough for a few dozen pages.
mdbook_version=0.5.4
ensure_mdbook() {
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    have mdbook && return 0
    say "mdbook is missing; installing mdbook $mdbook_version"
    cargo install mdbook --version "$mdbook_version" --locked --debug --no-default-features --features search ||
        die "mdbook could not be installed. Run this, then start again:
    cargo install mdbook --version $mdbook_version --locked"
}

ensure_python() {
    have python3 && return 0
    install "python3" python3 python3 python
    have python3 || die "python3 is still not found after installing it."
}

# rustc links with cc. macOS and Windows bring theirs with the tools that Rust itself asks for.
ensure_linker() {
    is_linux || return 0
    have cc && return 0
    install "A C linker (cc)" build-essential gcc base-devel
    have cc || die "cc is still not found after installing build-essential."
}

has_vulkan_loader() {
    local dir dirs
    # Read to its end: a grep that stops early would break the pipe, and pipefail would call that a failure.
    if PATH="$PATH:/usr/sbin:/sbin" ldconfig -p 2>/dev/null | grep -F libvulkan.so.1 >/dev/null; then
        return 0
    fi
    IFS=: read -r -a dirs <<<"${LD_LIBRARY_PATH:-}"
    for dir in "${library_dirs[@]}" ${dirs[@]+"${dirs[@]}"}; do
        [[ -n $dir && -e $dir/libvulkan.so.1 ]] && return 0
    done
    return 1
}

# has_json FOLDER_OR_FILE...: is one of them a manifest, or a folder with one in it?
has_json() {
    local place file
    for place in "$@"; do
        [[ -f $place ]] && return 0
        for file in "$place"/*.json; do
            [[ -f $file ]] && return 0
        done
    done
    return 1
}

# The variable that, when set, is the only place where the loader looks for drivers; or nothing.
driver_variable() {
    if [[ -n ${VK_DRIVER_FILES:-} ]]; then
        echo VK_DRIVER_FILES
    elif [[ -n ${VK_ICD_FILENAMES:-} ]]; then
        echo VK_ICD_FILENAMES
    fi
}

has_vulkan_driver() {
    local variable places
    variable=$(driver_variable)
    if [[ -n $variable ]]; then
        IFS=: read -r -a places <<<"${!variable}"
        has_json "${places[@]}"
    else
        has_json "${vulkan_dirs[@]/%//icd.d}"
    fi
}

# A Vulkan adapter for the program to run on: the machine's GPU, or else Mesa's lavapipe, which runs on the CPU.
ensure_adapter() {
    local variable
    is_linux || return 0 # Metal and DirectX 12 are part of the system
    variable=$(driver_variable)
    if [[ -n $variable ]] && ! has_vulkan_driver; then
        die "$variable is set to '${!variable}', where no Vulkan driver's .json file lies. Correct it or unset it."
    fi
    has_vulkan_loader && has_vulkan_driver && return 0
    install "A Vulkan adapter" "mesa-vulkan-drivers libvulkan1" \
        "mesa-vulkan-drivers vulkan-loader" "vulkan-swrast vulkan-icd-loader"
    has_vulkan_loader || die "libvulkan.so.1 is still not found after installing libvulkan1."
    has_vulkan_driver || die "no Vulkan driver's .json file is found after installing mesa-vulkan-drivers."
}

# Chromium and its driver, for the tests of pages.
ensure_browser() {
    have chromedriver && return 0
    install "chromedriver" "chromium chromium-driver" "chromium chromedriver" chromium
    have chromedriver || die "chromedriver is still not found after installing chromium-driver."
}

has_validation_layer() {
    local dir
    for dir in "${vulkan_dirs[@]/%//explicit_layer.d}" ${VK_LAYER_PATH:+"$VK_LAYER_PATH"}; do
        [[ -f $dir/VkLayer_khronos_validation.json ]] && return 0
    done
    return 1
}

# The Khronos validation layer, which checks every Vulkan call. Linux only: elsewhere Vulkan is not what runs.
ensure_validation_layer() {
    is_linux || die "--validation needs Vulkan, which this program uses on Linux only."
    has_validation_layer && return 0
    install "The Vulkan validation layer" vulkan-validationlayers vulkan-validation-layers vulkan-validation-layers
    has_validation_layer || die "the validation layer is still not found after installing vulkan-validationlayers."
}
