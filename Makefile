# Hearth's commands. `make help` lists them; CONTRIBUTING.md says more.
#
# Every step is idempotent and cheap when nothing changed: set-up compares stamps, the C++ is built by
# ninja, and the TypeScript only when a source is newer than what was built.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Set-up may put a Node.js here when the machine's own is missing or too old.
export PATH := $(CURDIR)/.cache/node/bin:$(PATH)
export HEARTH_MODELS ?= $(CURDIR)/.cache/models

MODEL ?= smollm2-135m-instruct
VARIANTS := simd relaxed relaxed-mt
WASM := packages/hearth/dist/wasm
CMAKE := cmake -G Ninja -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
NATIVE := $(CMAKE) -S core -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19
WASM_FLAGS := --toolchain $(CURDIR)/core/cmake/wasm.cmake
VITEST := node_modules/.bin/vitest run
# Node 20 hides relaxed SIMD behind a flag, and its baseline compiler computes some dot products wrongly.
NODE_WASM := node --no-warnings --experimental-wasm-relaxed-simd --no-liftoff scripts/run-wasi.mjs

# Times a step and says what it is, so that nothing long is silent.
define step
@scripts/step.sh "$(1)" $(2)
endef

# Configured build folders are products, not intermediates that make may remove.
.PRECIOUS: build/wasm-%/build.ninja

.PHONY: help setup setup-peers build core native wasm schema package cli studio model demo serve \
        test test-core test-wasm test-ts test-browser test-parity test-parity-large bench lint format fuzz clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

# --- set-up ---------------------------------------------------------------------------------------

setup: ## Install what is missing (Debian packages, Node.js, npm packages)
	@scripts/setup.sh

setup-peers: setup
	@scripts/setup.sh peers

# --- building -------------------------------------------------------------------------------------

build: core package cli studio ## Build everything

core: native wasm

build/native/build.ninja:
	@$(NATIVE) -B build/native -DCMAKE_BUILD_TYPE=Release -DHEARTH_TESTS=OFF >/dev/null

native: setup build/native/build.ninja
	$(call step,core (native),ninja -C build/native hearth-native hearth-schema)

build/wasm-%/build.ninja:
	@$(CMAKE) -S core -B build/wasm-$* $(WASM_FLAGS) -DHEARTH_WASM_VARIANT=$* -DCMAKE_BUILD_TYPE=Release >/dev/null

wasm: $(VARIANTS:%=$(WASM)/hearth-%.wasm)

# ninja decides whether anything changed; the copy is made only when it did.
$(WASM)/hearth-%.wasm: setup build/wasm-%/build.ninja
	$(call step,core (WebAssembly$(comma) $*),ninja -C build/wasm-$* hearth)
	@scripts/optimize-wasm.sh build/wasm-$*/hearth.wasm $@

comma := ,

packages/hearth/src/abi.generated.ts: native
	@build/native/host/hearth-schema > build/abi.generated.ts
	@cmp -s build/abi.generated.ts $@ || cp build/abi.generated.ts $@

schema: packages/hearth/src/abi.generated.ts

package: schema wasm
	@scripts/when-newer.sh packages/hearth/dist/index.js "packages/hearth" -- npm run --silent build -w hearth

cli: package
	@scripts/when-newer.sh packages/cli/dist/main.js "packages/cli packages/hearth/dist" -- npm run --silent build -w hearth-cli

studio: package
	@scripts/when-newer.sh apps/studio/dist/index.html "apps/studio packages/hearth/dist" -- npm run --silent build -w hearth-studio

model: cli ## Fetch the model (98 MB) into .cache/models
	@node packages/cli/dist/main.js pull $(MODEL) --cache-dir $(HEARTH_MODELS)

# --- running --------------------------------------------------------------------------------------

demo: build model ## Ask a real model a question in a real browser (PROMPT="…")
	@node scripts/demo.mjs

serve: build model ## Serve the app on localhost
	@node scripts/serve.mjs

# --- checking -------------------------------------------------------------------------------------

test: setup-peers build model ## Build and run every test
	@$(MAKE) test-core test-wasm test-ts test-browser test-parity
	@echo "All tests passed."

build/test/build.ninja:
	@$(NATIVE) -B build/test -DCMAKE_BUILD_TYPE=Debug -DHEARTH_SANITIZE=ON >/dev/null

test-core: setup build/test/build.ninja ## The core's unit tests under AddressSanitizer and UBSan
	$(call step,core tests (sanitized),ninja -C build/test core_tests)
	@build/test/core_tests --gtest_brief=1

test-wasm: setup build/wasm-simd/build.ninja build/wasm-relaxed/build.ninja ## The same tests as WebAssembly, in Node
	$(call step,core tests (WebAssembly$(comma) simd),ninja -C build/wasm-simd core_tests)
	$(call step,core tests (WebAssembly$(comma) relaxed),ninja -C build/wasm-relaxed core_tests)
	@$(NODE_WASM) build/wasm-simd/core_tests.wasm --gtest_brief=1
	@$(NODE_WASM) build/wasm-relaxed/core_tests.wasm --gtest_brief=1

test-ts: build model ## The TypeScript's unit tests, goldens through the CLI, faulty servers, the documents' examples
	@$(VITEST) --project hearth --project cli --project studio --project scripts --project bench --project goldens --project faults --project kernels --project docs

test-browser: build model ## The app and the store in Chromium
	@$(VITEST) --project browser

test-parity: setup-peers build model ## Tokenizers against PyPI's; tokens, perplexity and text against llama.cpp
	@$(VITEST) --project tokenizers --project parity

test-parity-large: setup build ## Perplexity of Gemma 3 270M against llama.cpp (fetches 253 MB)
	@scripts/fetch-gemma3.sh
	@$(VITEST) --project parity-large

bench: setup-peers build model ## Measure beside the peers; rewrites the tables in docs/performance.md
	@node bench/run.mjs
	@ninja -C build/native tokenizer_bench
	@ninja -C build/wasm-simd tokenizer_bench
	@node bench/tokenizers.mjs

lint: setup build schema ## clang-format, clang-tidy, Biome, tsc
	@scripts/lint.sh

format: setup ## Format everything
	@git ls-files 'core/*.cc' 'core/*.h' | xargs clang-format-19 -i
	@node_modules/.bin/biome check --write .

build/fuzz/build.ninja:
	@$(NATIVE) -B build/fuzz -DCMAKE_BUILD_TYPE=RelWithDebInfo -DHEARTH_SANITIZE=ON -DHEARTH_FUZZ=ON -DHEARTH_TESTS=OFF >/dev/null

FUZZ_SECONDS ?= 60
fuzz: setup build/fuzz/build.ninja ## Run every libFuzzer target for a minute (FUZZ_SECONDS)
	$(call step,fuzz targets,ninja -C build/fuzz)
	@scripts/fuzz.sh build/fuzz/fuzz $(FUZZ_SECONDS)

clean: ## Remove what was built, not what was installed or downloaded
	@rm -rf build out packages/*/dist apps/*/dist packages/hearth/src/abi.generated.ts
