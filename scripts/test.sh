#!/usr/bin/env bash
# Runs every test. On a machine without a Vulkan driver it installs Mesa's first.
# Usage: scripts/test.sh [--validation] [ARGUMENTS FOR cargo test]
#   scripts/test.sh ops::    one module of tests/suite
#   --validation   also check every Vulkan call with the Khronos validation layer; any error it finds fails the run
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib.sh

validation=no
if [[ ${1:-} == --validation ]]; then
    validation=yes
    shift
fi

ensure_cargo
ensure_linker
ensure_adapter
# Without it the test that needs a browser says that it is skipped.
[[ -z ${IMPASTO_TEST_BROWSER:-} ]] || ensure_browser
if [[ $validation == yes ]]; then
    ensure_validation_layer
    export WGPU_VALIDATION=1
    export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation
    export VK_LAYER_SETTINGS_PATH=$PWD/scripts/vk_layer_settings.txt
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# --no-fail-fast: a failing test binary must not hide the others. tee: its lines are counted below.
code=0
cargo test --release --locked --no-fail-fast "$@" 2>&1 | tee "$log" || code=$?

# The layer's errors, less those that wgpu itself takes for the layer's own mistakes.
if [[ $validation == yes ]]; then
    errors=$(grep -E 'VUID-|UNASSIGNED-|SYNC-HAZARD' "$log" | grep -vcE \
        'StandaloneSpirv-None-10684|vkCmdCopyImageToBuffer-pRegions-00184|vkCmdEndDebugUtilsLabelEXT-commandBuffer-01912' ||
        true)
    if [[ $errors -gt 0 ]]; then
        say "error: the validation layer complained; $errors lines above name a rule (VUID-...)"
        [[ $code -ne 0 ]] || code=1
    fi
fi

# One "test result:" line a test binary, added up.
awk -v code="$code" '
    { gsub(/\033\[[0-9;]*m/, "") }
    /^test result: / {
        runs++
        for (i = 2; i <= NF; i++) {
            if ($i == "passed;") passed += $(i - 1)
            if ($i == "failed;") failed += $(i - 1)
            if ($i == "ignored;") skipped += $(i - 1)
        }
    }
    END {
        print ""
        if (!runs) print "No test ran."
        else printf "Summary: %d passed, %d failed, %d skipped\n", passed, failed, skipped
        if (code && !failed) print "No test failed, yet the run did: see above. Exit status " code "."
    }
' "$log"
exit "$code"
