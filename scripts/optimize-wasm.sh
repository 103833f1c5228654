#!/usr/bin/env bash
# Optimizes a WebAssembly module with npm's binaryen (Debian's is too old for relaxed SIMD) and strips
# its names: scripts/optimize-wasm.sh FROM TO. Does nothing when TO is newer than FROM.
set -euo pipefail
from=$1 to=$2
[[ -f $to && $to -nt $from ]] && exit 0
mkdir -p "$(dirname "$to")"
# -O2: beyond it binaryen takes minutes and changes the hot loops, which clang has optimized, not at all.
"$(dirname "$0")/step.sh" "$(basename "$to")" node_modules/.bin/wasm-opt -O2 --enable-simd --enable-relaxed-simd \
  --enable-threads --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext \
  --enable-mutable-globals --strip-debug --strip-producers "$from" -o "$to"
# What a visitor downloads; 700 KB is the house's limit.
size=$(gzip -9 -c "$to" | wc -c)
echo "  $(basename "$to"): $((size / 1024)) KB compressed"
if ((size > 700 * 1024)); then echo "That is over 700 KB."; rm "$to"; exit 1; fi
