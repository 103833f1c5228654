#!/usr/bin/env bash
# Runs a command when a source is newer than what it makes:
#   scripts/when-newer.sh PRODUCT "FOLDER…" -- COMMAND…
# The sources are the files under the folders, without what was installed or built there; a folder named
# …/dist itself counts whole.
set -euo pipefail
product=$1 folders=$2; shift 3
if [[ -f $product ]]; then
  newer=""
  for folder in $folders; do
    if [[ $folder == */dist ]]; then
      newer=$(find "$folder" -type f -newer "$product" -print -quit)
    else
      newer=$(find "$folder" \( -name node_modules -o -name dist \) -prune -o -type f -newer "$product" -print -quit)
    fi
    [[ -z $newer ]] || break
  done
  [[ -n $newer ]] || exit 0
fi
"$(dirname "$0")/step.sh" "$product" "$@"
touch "$product"
