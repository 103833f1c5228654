#!/usr/bin/env bash
# Runs a command quietly: scripts/step.sh NAME COMMAND…
# On a terminal the command's own progress shows; elsewhere a line when it took more than a few seconds.
# On failure all it printed is shown.
set -euo pipefail
name=$1; shift
if [[ -t 1 ]]; then
  printf '\033[2m%s\033[0m\n' "· $name"
  exec "$@"
fi
start=$SECONDS
log=$(mktemp); trap 'rm -f "$log"' EXIT
"$@" >"$log" 2>&1 & job=$!
# A sign of life every half minute, with how far ninja is.
while kill -0 "$job" 2>/dev/null; do
  for _ in {1..300}; do kill -0 "$job" 2>/dev/null || break; sleep 0.1; done
  kill -0 "$job" 2>/dev/null && printf '· %s … %d s %s\n' "$name" $((SECONDS - start)) "$(grep -oE '^\[[0-9]+/[0-9]+\]' "$log" | tail -1 || true)"
done
if ! wait "$job"; then cat "$log"; echo "✗ $name failed"; exit 1; fi
if ((SECONDS - start >= 3)); then printf '✓ %s (%d s)\n' "$name" $((SECONDS - start)); fi
