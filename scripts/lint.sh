#!/usr/bin/env bash
# clang-format, clang-tidy, Biome and tsc over everything that git tracks.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t sources < <(git ls-files 'core/*.cc' 'core/*.h')
scripts/step.sh "clang-format" clang-format-19 --dry-run --Werror "${sources[@]}"
mapfile -t units < <(git ls-files 'core/src/*.cc' 'core/host/native.cc' 'core/host/schema.cc' | grep -vE '_test\.cc$|_wasm\.cc$|_single\.cc$')
scripts/step.sh "clang-tidy" bash -c 'printf "%s\n" "$@" | xargs -P "$(nproc)" -n 4 clang-tidy-19 --quiet -p build/native' _ "${units[@]}"
scripts/step.sh "Biome" node_modules/.bin/biome check --error-on-warnings .
for folder in packages/hearth packages/cli apps/studio; do
  scripts/step.sh "tsc ($folder)" node_modules/.bin/tsc --noEmit -p "$folder"
done
scripts/step.sh "tsc (tests)" node_modules/.bin/tsc --noEmit -p tests
long=$(git ls-files | grep -E '\.(cc|h|ts|tsx|wgsl|mjs|py|sh|css)$' | xargs wc -l | awk '$2 != "total" && $1 > 500')
if [[ -n $long ]]; then echo "Files over 500 lines:"; echo "$long"; exit 1; fi
echo "Lint passed."
