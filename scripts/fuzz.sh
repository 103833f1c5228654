#!/usr/bin/env bash
# Runs each libFuzzer target: scripts/fuzz.sh FOLDER SECONDS. What they find stays in build/fuzz-finds.
set -euo pipefail
folder=$1 seconds=$2
mkdir -p build/fuzz-corpus build/fuzz-finds
failed=0
for target in "$folder"/*_fuzz; do
  name=$(basename "$target")
  corpus=build/fuzz-corpus/$name; mkdir -p "$corpus"
  seeds=(); for seed in "$folder/seeds/${name%_fuzz}" "core/fuzz/corpus/${name%_fuzz}"; do [[ -d $seed ]] && seeds+=("$seed"); done
  dictionary=(); [[ -f core/fuzz/${name%_fuzz}.dict ]] && dictionary=("-dict=core/fuzz/${name%_fuzz}.dict")
  echo "· $name for $seconds s"
  if ! "$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 -verbosity=0 \
       -artifact_prefix="build/fuzz-finds/$name-" "${dictionary[@]}" "$corpus" "${seeds[@]}" 2>&1 |
       grep -E 'stat::number_of_executed|ERROR|SUMMARY|Test unit written|runtime error'; then
    true
  fi
  [[ ${PIPESTATUS[0]} == 0 ]] || failed=1
done
if compgen -G 'build/fuzz-finds/*' >/dev/null; then echo "Finds:"; ls build/fuzz-finds; failed=1; fi
exit $failed
