#!/usr/bin/env bash
# Checks and measures Impasto on another machine than the one that builds it. That machine needs a GPU with its Vulkan
# driver and loader, bash, tar, xz and python3, and PyTorch for the comparison; neither Rust nor a network.
# Usage, here:   scripts/gpu.sh pack FILE.tar.xz
# There:         tar xJf FILE.tar.xz && impasto-gpu/gpu.sh run FOLDER [OPTIONS]
#   --suite            also the whole test suite and the benches, and no limit on all steps together
#   --small            images of 64 and 96 pixels, fewer layers and longer limits, for a try on lavapipe
#   --device DEVICE    the adapter, as the program's own --device takes it
#   --steps A,B        only these: device, selftest, tests, tuning, profiles, start, ladders, losses, memory, pytorch;
#                      with --suite also suite, benches
#   --seconds N        no step begins later than this, and none goes on beyond it; 300 without --suite and --small
# FOLDER gets page.md, for docs/src/measurements; log.txt; and results.tar.gz, with the JSON that the page is made of. They are
# written again after every step, so a run that is cut short leaves what it has found.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    sed -n '/^# Usage/,/^# FOLDER/p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//' >&2
    exit 2
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# ---- pack ----

# The executables that cargo names in its messages, as lines "KIND NAME IS_TEST PATH".
executables() {
    python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable"):
        target = message["target"]
        print(target["kind"][0], target["name"], message["profile"]["test"], message["executable"])'
}

# All in one call of cargo: the program and its tests then share every dependency.
build() {
    cargo test --release --locked --no-run --message-format json --lib --bins --test suite --bench layers \
        --bench evaluation | executables >"$1"
}

# The binaries under the names that `run` knows, without their symbols.
copy_binaries() {
    local list=$1 folder=$2 kind name is_test path
    while read -r kind name is_test path; do
        case $kind,$name,$is_test in
        bin,impasto,False) name=impasto ;;
        bin,impasto,True) name=program-tests ;;
        lib,impasto,True) name=library-tests ;;
        test,suite,True | bench,*) ;;
        *) continue ;;
        esac
        strip -o "$folder/$name" "$path" 2>/dev/null || cp "$path" "$folder/$name"
    done <"$list"
}

pack() {
    local archive temporary size
    [[ -d $(dirname "$1") ]] || fail "the folder of $1 does not exist."
    archive=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
    for tool in cargo git python3 tar xz; do
        command -v "$tool" >/dev/null || fail "$tool was not found: install it."
    done
    cd "$here/.."
    temporary=$(mktemp -d)
    # shellcheck disable=SC2064 # expanded now: the variable is gone when the trap runs
    trap "rm -rf '$temporary'" EXIT
    mkdir -p "$temporary/impasto-gpu/bin"
    build "$temporary/list"
    copy_binaries "$temporary/list" "$temporary/impasto-gpu/bin"
    # The tests read sources, documents and images of the repository.
    git ls-files -z --cached --others --exclude-standard -- . ':!fuzz' ':!docs/src/images' ':!.github' | tar -c --null --files-from - |
        tar -x -C "$temporary/impasto-gpu"
    cp scripts/gpu.sh "$temporary/impasto-gpu/"
    git describe --always --dirty >"$temporary/impasto-gpu/COMMIT"
    # Every binary contains the weights, which no compressor makes smaller. A dictionary that holds all files at once stores
    # them once; with several threads each would begin anew.
    tar -c --sort=name --owner=0 --group=0 -C "$temporary" impasto-gpu |
        xz -T1 --lzma2=preset=6,dict=384MiB >"$archive"
    size=$(stat -c %s "$archive")
    printf '%s: %s MB\n' "$archive" $(((size + 999999) / 1000000))
    [[ $size -lt 40000000 ]] || fail "an archive must stay below 40 MB."
}

# ---- run ----

suite=no
small=no
patience=1 # the factor on every limit
evaluations=10
rounds=3
device=()
chosen=
limit_of_all=

parse() {
    while [[ $# -gt 0 ]]; do
        case $1 in
        --suite) suite=yes ;;
        --small) small=yes patience=5 evaluations=3 rounds=1 ;;
        --device | --steps | --seconds)
            [[ $# -gt 1 ]] || usage
            case $1 in
            --device) device=(--device "$2") ;;
            --steps) chosen=,$2, ;;
            --seconds) limit_of_all=$2 ;;
            esac
            shift
            ;;
        *) usage ;;
        esac
        shift
    done
    if [[ -z $limit_of_all && $suite$small == *yes* ]]; then limit_of_all=3600; fi
    limit_of_all=${limit_of_all:-300}
}

is_chosen() { [[ -z $chosen || $chosen == *,$1,* ]]; }

# record NAME SECONDS LIMIT VERDICT
record() {
    printf '%s\t%s\t%s\t%s\n' "$@" >>"$raw/steps.tsv"
    printf '%-24s %7s s  %s\n' "$1" "$2" "$4"
}

# step NAME LIMIT COMMAND...: runs it for LIMIT seconds at most. What it prints goes to the log and to NAME.txt.
step() {
    local name=$1 limit=$(($2 * patience)) left=$((limit_of_all - SECONDS)) began took code=0 verdict
    shift 2
    if [[ $left -lt 3 ]]; then
        record "$name" 0 "$limit" "left out: no time"
        return 0
    fi
    [[ $limit -le $left ]] || limit=$left
    began=$(date +%s%N)
    { timeout -k 5 "$limit" "$@" >"$raw/$name.txt" 2>&1 </dev/null || code=$?; } 2>/dev/null
    took=$((($(date +%s%N) - began) / 100000000))
    { printf '\n=== %s: %s\n' "$name" "$*" && cat "$raw/$name.txt"; } >>"$out/log.txt"
    case $code in
    0) verdict=ok ;;
    124 | 137) verdict="stopped after $limit s" ;;
    *) verdict="failed, exit status $code" ;;
    esac
    record "$name" "$((took / 10)).$((took % 10))" "$limit" "$verdict"
    publish
}

# The page and the archive, of what there is by now. New files replace the old ones whole.
publish() {
    if python3 scripts/gpu_page.py "$raw" >"$out/page.new" 2>>"$out/log.txt"; then
        mv "$out/page.new" "$out/page.md"
    fi
    rm -f "$out/page.new"
    tar -czf "$out/results.new" -C "$raw" . && mv "$out/results.new" "$out/results.tar.gz"
}

facts() {
    bin/impasto devices
    uname -srm
    nproc
    nvidia-smi || true
}

steps() {
    local sizes=(512 1024) loss_sizes=128,256 layers=all precision precisions size tests
    if [[ $small == yes ]]; then
        sizes=(64 96) loss_sizes=32 layers=conv1_1,conv3_2
    fi
    # The precisions that this program knows, but for `auto`, which is one of the others.
    mapfile -t precisions < <(bin/impasto paint --help | grep -oE '^ +- (f32|mixed|f16):' | tr -d ' :-')
    local measure=(python3 scripts/gpu_steps.py "${device[@]}" "$raw")

    if is_chosen device; then step device 20 bash -c "$(declare -f facts); facts"; fi
    if is_chosen selftest; then
        step selftest 90 bin/impasto selftest --report "$raw/selftest.json" "${device[@]}"
    fi
    if is_chosen tests; then
        for tests in golden ops matrix_units matrix_roof pipelines optim; do
            step "tests-$tests" 60 bin/suite "$tests::"
        done
    fi
    if is_chosen tuning; then
        for precision in "${precisions[@]}"; do
            step "tuning-$precision" 40 bin/impasto tune --size "${sizes[0]}" --precision "$precision" --quiet "${device[@]}"
        done
    fi
    if is_chosen profiles; then
        for size in "${sizes[@]}"; do
            for precision in "${precisions[@]}"; do
                step "profile-$size-$precision" 40 bin/impasto profile --size "$size" --precision "$precision" --quiet \
                    --evaluations "$evaluations" --json "$raw/profile-$size-$precision.json" "${device[@]}"
            done
        done
    fi
    if is_chosen start; then
        step start 30 "${measure[@]}" start "${sizes[0]}" "${precisions[@]}"
    fi
    if is_chosen ladders; then
        for precision in "${precisions[@]}"; do
            step "ladders-$precision" 90 "${measure[@]}" ladders "$precision" "${sizes[0]}" "$layers"
        done
    fi
    if is_chosen losses; then step losses 60 "${measure[@]}" losses "$loss_sizes" "${precisions[@]}"; fi
    if is_chosen memory; then step memory 30 "${measure[@]}" memory "${sizes[0]}" "${precisions[@]}"; fi
    # Last: strict f32 at the larger size alone takes a minute.
    if is_chosen pytorch; then
        for size in "${sizes[@]}"; do
            for precision in "${precisions[@]}"; do
                step "pytorch-$size-$precision" 60 python3 benches/against_pytorch.py --impasto bin/impasto --size "$size" \
                    --precision "$precision" --rounds "$rounds" --json "$raw/pytorch-$size-$precision.json" "${device[@]}"
            done
        done
    fi
    if [[ $suite == yes ]]; then
        if is_chosen suite; then
            step suite-library 120 bin/library-tests
            step suite-program 120 bin/program-tests
            step suite 1200 bin/suite
        fi
        if is_chosen benches; then
            step bench-evaluation 120 env "IMPASTO_BENCH_SIZE=${sizes[0]}" bin/evaluation --bench
            step bench-layers 300 env "IMPASTO_BENCH_SIZE=${sizes[0]}" bin/layers --bench
        fi
    fi
}

run() {
    mkdir -p "$1"
    out=$(cd "$1" && pwd)
    shift
    parse "$@"
    cd "$here"
    [[ -x bin/impasto ]] || fail "$here/bin/impasto does not exist: 'run' is for the unpacked archive that 'pack' makes."
    temporary=$(mktemp -d)
    # shellcheck disable=SC2064 # expanded now: the variable is gone when the trap runs
    trap "rm -rf '$temporary'" EXIT
    raw=$temporary/results
    mkdir "$raw" "$temporary/tests"
    # The tests find their files and the program by what cargo would set. Kernels are chosen anew.
    export CARGO_MANIFEST_DIR=$here CARGO_TARGET_TMPDIR=$temporary/tests CARGO_BIN_EXE_impasto=$here/bin/impasto
    export IMPASTO_CACHE_DIR=$temporary/cache
    # Without it EGL complains at every start.
    export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$temporary}
    : >"$out/log.txt"
    {
        cat COMMIT
        date -u +%Y-%m-%d
    } >"$raw/about.txt"
    steps
    if grep -qE 'failed|stopped' "$raw/steps.tsv"; then
        fail "some steps failed or were stopped: see $out/page.md and $out/log.txt"
    fi
}

[[ $# -ge 2 ]] || usage
case $1 in
pack) [[ $# -eq 2 ]] && pack "$2" ;;
run) run "${@:2}" ;;
*) usage ;;
esac
